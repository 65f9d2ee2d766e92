"""TensorRT engines: `build_engine` compiles an ONNX file, `engine_runner` runs the result on a GPU.

`engine_library` says which library does it, and for which GPUs. Networks are strongly typed (the only kind
since TensorRT 11): precision is what the ONNX file says, FP16 weights or Q/DQ pairs.
"""

import struct
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dataengine.errors import EnvironmentFault, InputError
from dataengine.files import atomic_path
from dataengine.inference.running.predict import Runner
from dataengine.nets.checkpoint import ModelMeta
from dataengine.nets.heads import Arrays

from . import engine_library
from .onnx_files import INPUT

# A serialised engine begins with this word; its total size stands 16 bytes in (found in tensorrt_rtx 1.7 files).
PLAN_WORD, PLAN_SIZE_AT = b"vtrt", 16


def build_engine(
    onnx_path: Path,
    path: Path,
    meta: ModelMeta,
    *,
    typical_batch: int,
    max_batch: int,
    capabilities: Sequence[str] = (),
) -> dict[str, Any]:
    """Compile `onnx_path` for batches of 1 to `max_batch`, fastest at `typical_batch`; return how it was built.

    `capabilities` are the compute capabilities to build for; empty: this machine's GPU, or the library's own choice.

    Raises:
        ParamsError: the library does not serve one of `capabilities`.
        EnvironmentFault: no library is installed, or it cannot build on this machine (`tensorrt` needs a GPU).
        InputError: the library does not understand the network.
    """
    gpu = engine_library.gpu_capability()
    library = engine_library.find_library(gpu)
    targets = engine_library.engine_targets(library, capabilities, gpu)
    notes = _notes(library.module)
    try:
        shapes = _profile_shapes(meta, typical_batch, max_batch)
        engine = _compile(library, notes, onnx_path, shapes=shapes, targets=targets)
    except (RuntimeError, TypeError) as error:  # pybind reports a builder that could not start as a TypeError
        raise EnvironmentFault(f"{library.name} cannot build here", got=str(error), fix=_FIX) from error
    if engine is None:
        raise EnvironmentFault(f"{library.name} built no engine", got=notes.said(), fix=_FIX)
    with atomic_path(path) as partial:
        partial.write_bytes(engine)
    check_plan(path, library.name)
    return {
        "builder": library.name,
        "version": library.version,
        "built_from": onnx_path.name,
        "capabilities": list(targets),  # empty: the library's own choice
        "batch": {"min": 1, "typical": typical_batch, "max": max_batch},
    }


_FIX = "build on a machine with a GPU, install tensorrt-rtx-cu13, or set export.engine to false"


def _profile_shapes(meta: ModelMeta, typical: int, largest: int) -> list[tuple[int, int, int, int]]:
    return [(batch, 3, meta.input_height_px, meta.input_width_px) for batch in (1, typical, largest)]


def _compile(
    library: engine_library.EngineLibrary,
    notes: Any,
    onnx_path: Path,
    *,
    shapes: list[tuple[int, int, int, int]],
    targets: Sequence[str],
) -> bytes | None:
    trt = library.module
    builder = trt.Builder(notes)
    network = builder.create_network(1 << int(trt.NetworkDefinitionCreationFlag.STRONGLY_TYPED))
    parser = trt.OnnxParser(network, notes)
    if not parser.parse(onnx_path.read_bytes()):
        faults = "; ".join(str(parser.get_error(i)) for i in range(parser.num_errors))
        raise InputError(f"TensorRT cannot read {onnx_path}", got=faults)
    profile = builder.create_optimization_profile()
    profile.set_shape(INPUT, *shapes)
    config = builder.create_builder_config()
    config.add_optimization_profile(profile)
    if library.served and targets:
        config.num_compute_capabilities = len(targets)
        for index, capability in enumerate(targets):
            config.set_compute_capability(getattr(trt.ComputeCapability, "SM" + capability.replace(".", "")), index)
    engine = builder.build_serialized_network(network, config)
    return None if engine is None else bytes(engine)


def check_plan(path: Path, builder: str) -> None:
    """Raise `InputError` unless the file is a plan of the length that it states, which takes no GPU to check.

    Only the layout of `tensorrt_rtx` is known; an engine of another `builder` must just not be empty.
    """
    plan = path.read_bytes()
    head = PLAN_SIZE_AT + struct.calcsize("<Q")
    if len(plan) < head or (builder == "tensorrt_rtx" and not plan.startswith(PLAN_WORD)):
        raise InputError(f"{path} is not a TensorRT engine", expected=repr(PLAN_WORD), got=repr(plan[:4]))
    (size,) = struct.unpack_from("<Q", plan, PLAN_SIZE_AT)
    if builder == "tensorrt_rtx" and size != len(plan):
        raise InputError(f"{path} is cut off", expected=f"{size} bytes", got=str(len(plan)), fix="export again")


def engine_runner(path: Path, built: Mapping[str, Any]) -> Runner:
    """Run an engine on the GPU, larger batches in pieces. `built` is what `build_engine` returned, from the sidecar.

    Raises:
        EnvironmentFault: the machine has no GPU, the library that built the engine is not installed or does not serve
            the GPU, or the engine was built for another GPU or another version.
    """
    import torch

    name, capabilities = str(built.get("builder", "")), list(built.get("capabilities", ()))
    library = engine_library.library_for_engine(name, capabilities, engine_library.gpu_capability())
    check_plan(path, library.name)
    trt, notes = library.module, _notes(library.module)
    engine = trt.Runtime(notes).deserialize_cuda_engine(path.read_bytes())
    if engine is None:
        raise EnvironmentFault(
            f"{path} does not load on this GPU", got=notes.said(), fix="export again on this machine"
        )
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
            raise EnvironmentFault(f"{path} did not run", got=notes.said(), fix="export again on this machine")
        stream.synchronize()
        return [outputs[name].cpu().numpy() for name in answers]

    return _in_pieces(once, largest)


def _notes(trt: Any) -> Any:
    """A logger for the library that keeps its errors instead of printing them."""

    class Notes(trt.ILogger):  # type: ignore[misc]
        """`said` is the last error, which names the cause."""

        def __init__(self) -> None:
            trt.ILogger.__init__(self)
            self.errors: list[str] = []

        def log(self, severity: Any, message: str) -> None:
            if severity in (trt.ILogger.Severity.ERROR, trt.ILogger.Severity.INTERNAL_ERROR):
                self.errors.append(message)

        def said(self) -> str:
            return self.errors[-1] if self.errors else ""

    return Notes()


def _in_pieces(once: Callable[[NDArray[np.float32]], list[NDArray[np.float32]]], largest: int) -> Runner:
    def run(images: NDArray[np.float32]) -> Arrays:
        parts = [once(images[start : start + largest]) for start in range(0, len(images), largest)]
        return tuple(np.concatenate(same) for same in zip(*parts, strict=True))

    return run
