"""TensorRT engines: `build_engine` compiles an ONNX file, `engine_runner` runs the result where there is a GPU.

Either of two libraries does: `tensorrt`, or `tensorrt_rtx`, whose builder needs no GPU. Networks are strongly typed
(the only kind since TensorRT 11): precision is what the ONNX file says, FP16 weights or Q/DQ pairs.
"""

import struct
from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dataengine.errors import EnvironmentFault, InputError
from dataengine.files import atomic_path
from dataengine.inference.predict import Runner
from dataengine.nets.checkpoint import ModelMeta
from dataengine.nets.heads import Arrays

from .onnx_files import INPUT

LIBRARIES = ("tensorrt", "tensorrt_rtx")
# A serialised engine begins with this word; its total size stands 16 bytes in (seen in tensorrt_rtx 1.7 files).
PLAN_WORD, PLAN_SIZE_AT = b"vtrt", 16


@dataclass(frozen=True)
class Builder:
    """The library that builds and runs engines here."""

    name: str
    version: str
    library: Any


def find_builder() -> Builder:
    """The first of `LIBRARIES` that is installed; none is an `EnvironmentFault`."""
    for name in LIBRARIES:
        try:
            library = import_module(name)
        except ImportError:
            continue
        return Builder(name, str(library.__version__), library)
    raise EnvironmentFault(
        "no TensorRT library is installed",
        expected=" or ".join(LIBRARIES),
        mend="pip install tensorrt-rtx-cu13, or set export.engine to false",
    )


def build_engine(onnx_path: Path, path: Path, meta: ModelMeta, *, typical_batch: int, max_batch: int) -> dict[str, Any]:
    """Compile `onnx_path` for batches of 1 to `max_batch`, fastest at `typical_batch`; tell how it was built.

    Raises:
        EnvironmentFault: no library, or it cannot build on this machine (`tensorrt` needs a GPU).
        InputError: the library does not understand the network.
    """
    builder = find_builder()
    trt = builder.library
    logger = trt.Logger(trt.Logger.ERROR)
    try:
        engine = _compile(trt, logger, onnx_path, _profile_shapes(meta, typical_batch, max_batch))
    except (RuntimeError, TypeError) as error:  # pybind reports a builder that could not start as a TypeError
        raise EnvironmentFault(f"{builder.name} cannot build here", got=str(error), mend=_MEND) from error
    if engine is None:
        raise EnvironmentFault(f"{builder.name} built no engine", mend=_MEND)
    with atomic_path(path) as partial:
        partial.write_bytes(engine)
    check_plan(path)
    return {
        "builder": builder.name,
        "version": builder.version,
        "built_from": onnx_path.name,
        "batch": {"min": 1, "typical": typical_batch, "max": max_batch},
    }


_MEND = "build where a GPU is, install tensorrt-rtx-cu13, or set export.engine to false"


def _profile_shapes(meta: ModelMeta, typical: int, largest: int) -> list[tuple[int, int, int, int]]:
    return [(batch, 3, meta.input_height_px, meta.input_width_px) for batch in (1, typical, largest)]


def _compile(trt: Any, logger: Any, onnx_path: Path, shapes: list[tuple[int, int, int, int]]) -> bytes | None:
    builder = trt.Builder(logger)
    network = builder.create_network(1 << int(trt.NetworkDefinitionCreationFlag.STRONGLY_TYPED))
    parser = trt.OnnxParser(network, logger)
    if not parser.parse(onnx_path.read_bytes()):
        faults = "; ".join(str(parser.get_error(i)) for i in range(parser.num_errors))
        raise InputError(f"TensorRT cannot read {onnx_path}", got=faults)
    profile = builder.create_optimization_profile()
    profile.set_shape(INPUT, *shapes)
    config = builder.create_builder_config()
    config.add_optimization_profile(profile)
    engine = builder.build_serialized_network(network, config)
    return None if engine is None else bytes(engine)


def check_plan(path: Path) -> None:
    """What can be told of an engine without a GPU: it is a plan, and it is as long as it says. Else `InputError`."""
    plan = path.read_bytes()
    head = PLAN_SIZE_AT + struct.calcsize("<Q")
    if not plan.startswith(PLAN_WORD) or len(plan) < head:
        raise InputError(f"{path} is not a TensorRT engine", expected=repr(PLAN_WORD), got=repr(plan[:4]))
    (size,) = struct.unpack_from("<Q", plan, PLAN_SIZE_AT)
    if find_builder().name == "tensorrt_rtx" and size != len(plan):
        raise InputError(f"{path} is cut off", expected=f"{size} bytes", got=str(len(plan)), mend="export again")


def gpu_present() -> bool:
    """Whether PyTorch sees a CUDA device, which holds an engine's tensors."""
    import torch

    return bool(torch.cuda.is_available())


def engine_runner(path: Path) -> Runner:
    """Run an engine on the GPU, larger batches in pieces.

    Raises:
        EnvironmentFault: there is no GPU, or the engine was built for another one or another version.
    """
    import torch

    if not gpu_present():
        raise EnvironmentFault(
            "an engine runs on a CUDA device", got="none that PyTorch sees", mend="use the ONNX file instead"
        )
    check_plan(path)
    trt = find_builder().library
    engine = trt.Runtime(trt.Logger(trt.Logger.ERROR)).deserialize_cuda_engine(path.read_bytes())
    if engine is None:
        raise EnvironmentFault(f"{path} does not load on this GPU", mend="export again on this machine")
    context = engine.create_execution_context()
    largest = engine.get_tensor_profile_shape(INPUT, 0)[2][0]
    names = [engine.get_tensor_name(index) for index in range(engine.num_io_tensors)]
    answers = [name for name in names if engine.get_tensor_mode(name) == trt.TensorIOMode.OUTPUT]

    def once(images: NDArray[np.float32]) -> list[NDArray[np.float32]]:
        entry = torch.from_numpy(np.ascontiguousarray(images)).cuda()
        context.set_input_shape(INPUT, tuple(entry.shape))
        outputs = {name: torch.empty(tuple(context.get_tensor_shape(name)), device="cuda") for name in answers}
        for name, tensor in {INPUT: entry, **outputs}.items():
            context.set_tensor_address(name, tensor.data_ptr())
        stream = torch.cuda.current_stream()
        if not context.execute_async_v3(stream.cuda_stream):
            raise EnvironmentFault(f"{path} did not run", mend="export again on this machine")
        stream.synchronize()
        return [outputs[name].cpu().numpy() for name in answers]

    return _in_pieces(once, largest)


def _in_pieces(once: Callable[[NDArray[np.float32]], list[NDArray[np.float32]]], largest: int) -> Runner:
    def run(images: NDArray[np.float32]) -> Arrays:
        parts = [once(images[start : start + largest]) for start in range(0, len(images), largest)]
        return tuple(np.concatenate(same) for same in zip(*parts, strict=True))

    return run
