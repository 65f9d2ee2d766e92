"""What will be used of what is there, by the rules of the stages: device, precision, engine library, runner."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from .facts import Facts
from .project import FITS

RUNNERS = {
    "engine": "the TensorRT engine",
    "onnx-cuda": "ONNX Runtime on CUDA",
    "torch-cuda": "PyTorch on CUDA",
    "onnx-cpu": "ONNX Runtime on the CPU",
}
"""Name -> words, in the order in which `compare.runner: auto` tries them."""


@dataclass(frozen=True)
class ImportedTensorrt:
    """A TensorRT library that imports."""

    name: str
    version: str
    builds: bool
    """Its builder starts here."""
    capabilities: tuple[str, ...]
    """Compute capabilities in its own table; empty if it has none and serves the GPU that it builds on."""

    def serves(self, capability: str) -> bool:
        """Whether its engines run on a GPU: one in the table, or newer than all in it."""
        table = [_order(name) for name in self.capabilities]
        return not table or _order(capability) in table or _order(capability) > max(table)


def gpus(facts: Facts) -> list[Mapping[str, Any]]:
    """The CUDA devices that PyTorch can use."""
    return list(facts.torch.record.get("gpus", ())) if facts.torch else []


def device(facts: Facts) -> str:
    """ "cuda" or "cpu": where fits run, and predictions with them."""
    wish = facts.project.value(FITS[-1], "device", "auto")
    return "cuda" if gpus(facts) and wish != "cpu" else "cpu"


def precision(facts: Facts) -> dict[str, Mapping[str, str]]:
    """What each fit makes of its `precision`: name and reason, or a fault; empty if PyTorch does not answer."""
    answers = facts.precision.record if facts.precision else {}
    wishes = {fit: facts.project.value(fit, "precision", "auto") for fit in FITS}
    return {fit: answers[wish] for fit, wish in wishes.items() if wish in answers}


def automatic_precision(facts: Facts) -> str:
    """What `precision: auto` takes here; "" if PyTorch does not answer."""
    return str(facts.precision.record.get("auto", {}).get("name", "")) if facts.precision else ""


def engine_library(facts: Facts) -> ImportedTensorrt | None:
    """What `export` builds the engine with: the first that builds here and serves the GPU, else the first that builds.

    Where none builds, the first that imports; None where none does.
    """
    answers = ((name, answer.record) for name, answer in facts.tensorrt.items() if answer and not answer.fault)
    there = [ImportedTensorrt(n, r["version"], r["builds"], tuple(r["capabilities"])) for n, r in answers]
    building = [library for library in there if library.builds]
    serving = [library for library in building if all(library.serves(gpu["capability"]) for gpu in gpus(facts)[:1])]
    return next(iter([*serving, *building, *there]), None)


def runner(facts: Facts) -> str:
    """The one of `RUNNERS` that `compare.runner: auto` is going to find; each is tested on a batch when it is used."""
    wish = facts.project.value("compare", "runner", "auto")
    if wish != "auto":
        return wish
    if not gpus(facts):
        return "onnx-cpu"
    library = engine_library(facts) if facts.project.value("export", "engine", True) else None
    if library and library.builds and library.serves(gpus(facts)[0]["capability"]):
        return "engine"
    providers = facts.onnxruntime.record.get("providers", ()) if facts.onnxruntime else ()
    return "onnx-cuda" if "CUDAExecutionProvider" in providers else "torch-cuda"


def _order(capability: str) -> tuple[int, ...]:
    return tuple(int(part) for part in capability.split("."))
