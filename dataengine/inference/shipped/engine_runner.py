"""TensorRT engines run on a GPU; `engine_library` says by which library, and whether it serves that GPU."""

import struct
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dataengine.errors import EnvironmentFault, InputError
from dataengine.inference.exported import INPUT
from dataengine.inference.running.predict import Runner
from dataengine.inference.shipped import engine_library
from dataengine.nets.heads import Arrays

# A serialised engine begins with this word; its total size stands 16 bytes in (found in tensorrt_rtx 1.7 files).
PLAN_WORD, PLAN_SIZE_AT = b"vtrt", 16


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
    trt, notes = library.module, engine_notes(library.module)
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


def engine_notes(trt: Any) -> Any:
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
