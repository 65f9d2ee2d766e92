"""What runs networks: the GPU, PyTorch, ONNX Runtime, TensorRT, and which of them `compare.runner: auto` will take."""

from __future__ import annotations

from dataclasses import replace

from dataengine.doctor.asking.programs import Reply
from dataengine.hardware.gpus import Gpu, parse_nvidia_smi

from . import choices
from .facts import Facts
from .lines.check_result import CheckResult
from .memory import gigabytes
from .project import LATER, REPAIR

_NO_ENGINE = "pip install tensorrt-rtx-cu13, or set export.engine: false"


def check_gpu(facts: Facts) -> CheckResult:
    """CUDA devices that PyTorch can use, and those that it cannot although the driver knows them."""
    driver_gpus = parse_nvidia_smi(facts.driver.text) if facts.driver else ()
    driver = f", driver {driver_gpus[0].driver}" if driver_gpus else ""
    usable = choices.gpus(facts)
    if usable:
        where = "it" if choices.device(facts) == "cuda" else "the CPU, as device: cpu says"
        found = _named([Gpu(**gpu) for gpu in usable]) + driver
        return CheckResult("GPU", "ok", found, f"fits and predictions use {where}")
    if driver_gpus:
        why, fix = _why_unused(facts.torch)
        return CheckResult("GPU", "note" if fix else "ok", _named(driver_gpus) + driver, why, fix)
    if facts.driver and facts.driver.fault:
        fix = "load or reinstall the NVIDIA driver; after an update of it, restart"
        return CheckResult("GPU", "note", f"nvidia-smi: {facts.driver.fault}", "fits and predictions use the CPU", fix)
    return CheckResult("GPU", "ok", "none", "fits and predictions use the CPU")


def _why_unused(torch: Reply | None) -> tuple[str, str]:
    """Why PyTorch does not use the driver's GPU, and how to fix it."""
    if torch is None or torch.fault:
        return "used once PyTorch answers", ""
    if not torch.record["cuda"]:
        return "unused: this build of PyTorch is for the CPU", "install a CUDA build of the same torch version in .venv"
    return "unused: PyTorch cannot reach it", f"install a driver for CUDA {torch.record['cuda']} or later"


def check_pytorch(facts: Facts) -> CheckResult:
    """PyTorch imports."""
    if facts.torch is None or facts.torch.fault:
        return _missing(facts, "PyTorch", facts.torch)
    cuda = facts.torch.record["cuda"]
    return CheckResult("PyTorch", "ok", f"{facts.torch.record['version']}, for {f'CUDA {cuda}' if cuda else 'the CPU'}")


def check_onnxruntime(facts: Facts) -> CheckResult:
    """ONNX Runtime imports; whether it has CUDA."""
    if facts.onnxruntime is None or facts.onnxruntime.fault:
        return _missing(facts, "ONNX Runtime", facts.onnxruntime)
    record = facts.onnxruntime.record
    cuda = " and CUDA" if "CUDAExecutionProvider" in record["providers"] else ""
    return CheckResult("ONNX Runtime", "ok", f"{record['version']}, for the CPU{cuda}")


def check_tensorrt(facts: Facts) -> CheckResult:
    """A TensorRT library that builds engines, and whether they run on the GPU that is here."""
    broken = "; ".join(f"{name}: {answer.fault}" for name, answer in facts.tensorrt.items() if answer and answer.fault)
    library = choices.engine_library(facts)
    engine_wanted = facts.project.value("export", "engine", True)
    if library is None and not engine_wanted:
        return CheckResult("TensorRT", "ok", broken or "none", "no engine is built, as export.engine says")
    if library is None:
        missing = _missing(facts, "TensorRT", Reply(fault=broken) if broken else None)
        return replace(missing, fix=_NO_ENGINE) if missing.status == "fault" else missing
    found = "; ".join(part for part in (f"{library.name} {library.version}", broken) if part)
    if not library.builds:
        return CheckResult(
            "TensorRT", "fault" if engine_wanted else "note", found, "builds only where a GPU is", _NO_ENGINE
        )
    capability = choices.gpus(facts)[0]["capability"] if choices.gpus(facts) else ""
    if capability and not library.serves(capability):
        used = f"runs no engine on capability {capability}, but on {', '.join(library.capabilities)} and later"
        return CheckResult("TensorRT", "note", found, used, "pip install tensorrt")
    used = "builds engines and runs them" if capability else "builds engines for a GPU"
    return CheckResult("TensorRT", "ok", found, used)


def check_runner(facts: Facts) -> CheckResult:
    """What `compare` will measure models with."""
    wish = facts.project.value("compare", "runner", "auto")
    if facts.torch is None or facts.torch.fault:
        return CheckResult("runner", "ok", f"compare.runner: {wish}", "found once PyTorch answers")
    return CheckResult(
        "runner", "ok", f"compare.runner: {wish}", choices.RUNNERS.get(choices.runner(facts), "as named")
    )


def _missing(facts: Facts, name: str, answer: Reply | None) -> CheckResult:
    """A library that is not installed, or does not import."""
    if answer is None and facts.project.set_up != "yes":
        return CheckResult(name, "note", "not installed yet", LATER)
    return CheckResult(
        name, "fault", "not installed" if answer is None else f"does not import: {answer.fault}", "", REPAIR
    )


def _named(gpus: list[Gpu] | tuple[Gpu, ...]) -> str:
    """Such as "2 x NVIDIA H200 (capability 9.0, 150.8 GB)"."""
    one = [f"{gpu.name} (capability {gpu.capability}, {gigabytes(gpu.memory_bytes)})" for gpu in gpus]
    return ", ".join(name if one.count(name) == 1 else f"{one.count(name)} x {name}" for name in dict.fromkeys(one))
