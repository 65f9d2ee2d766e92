"""The ways to run an exported model, in order of preference: `candidates` is the table for `choose_runner`.

Adding a runner: a function that opens a model or raises what is missing, one line in `candidates`, and its name in
`CompareParams.runner` (`gate/policy.py`).
"""

from collections.abc import Sequence

from dataengine.adopted.runner import load_adopted_runner
from dataengine.errors import InputError
from dataengine.inference.choose_runner import Candidate, ChosenRunner, choose_runner, open_named
from dataengine.inference.exported import ENGINE, ONNX_FP16, ExportedModel
from dataengine.inference.onnx_cuda import onnx_cuda_runner
from dataengine.inference.running.predict import Runner, onnx_runner
from dataengine.inference.shipped.engine_runner import engine_runner
from dataengine.inference.torch_cuda import torch_cuda_runner
from dataengine.nets.checkpoint import WEIGHTS_NAME


def candidates(threads: int) -> list[Candidate]:
    """The runners, best first; ONNX means the FP16 file, which the engine is built from.

    A network that was adopted has one file and is run by the last alone, and with it whatever it is compared with.
    """

    def on_cpu(model: ExportedModel) -> Runner:
        if model.is_adopted:
            return load_adopted_runner(model.folder, threads)[0]
        return onnx_runner(model.folder / ONNX_FP16, threads)

    return [
        Candidate("engine", "the TensorRT engine", ENGINE, _engine),
        Candidate("onnx-cuda", "ONNX Runtime on CUDA", ONNX_FP16, _onnx_on_cuda),
        Candidate("torch-cuda", "PyTorch on CUDA", WEIGHTS_NAME, torch_cuda_runner),
        Candidate("onnx-cpu", "ONNX Runtime on the CPU", ONNX_FP16, on_cpu),
    ]


def runner_for(name: str, models: Sequence[ExportedModel], threads: int) -> ChosenRunner:
    """The runner that `name` stands for, the same for all `models`.

    Raises:
        DataEngineError: what the named runner needs is missing, or, with auto, nothing runs.
    """
    table = candidates(threads)
    if name == "auto":
        return choose_runner(table, models)
    return open_named(next(candidate for candidate in table if candidate.name == name), models)


def _onnx_on_cuda(model: ExportedModel) -> Runner:
    return onnx_cuda_runner(model.folder / ONNX_FP16)


def _engine(model: ExportedModel) -> Runner:
    path = model.folder / ENGINE
    if not path.exists():
        fix = "export with export.engine, or set compare.runner to auto"
        raise InputError("a model has no engine", expected=f"{ENGINE} in {model.folder}", fix=fix)
    return engine_runner(path, model.sidecar.get("engine", {}))
