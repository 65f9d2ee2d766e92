"""Rendering: Blender in its own environment, the libraries it loads, the device it renders on."""

from __future__ import annotations

from .facts import Facts
from .lines.check_result import CheckResult
from .project import LATER
from .proofs import proofs_file

GPU_TYPES = ("optix", "cuda", "hip", "metal")
"""In the order in which `render.device: auto` tries them."""
_OTHERS = "every stage but render works"


def check_blender(facts: Facts) -> CheckResult:
    """The interpreter that has Blender's module."""
    if facts.blender is None:
        return _no_interpreter(facts)
    if facts.blender.fault:
        found = f"{facts.blender_python}: {facts.blender.fault}"
        return CheckResult("Blender", "fault", found, _OTHERS, "rm -r .venv-blender && make setup")
    record = facts.blender.record
    found = f"{record['blender']}, Python {record['python']}, numpy {record['numpy']}"
    return CheckResult("Blender", "ok", found, facts.blender_python)


def _no_interpreter(facts: Facts) -> CheckResult:
    wish = facts.project.value("render", "python", "")
    if wish:
        found = f"render.python: {wish} is not there"
        return CheckResult("Blender", "fault", found, _OTHERS, "correct it in params.yaml; empty: .venv-blender")
    if not facts.python_for_blender:
        fix = "install python3.11, then make setup"
        return CheckResult("Blender", "fault", "no Python 3.11, which Blender needs", _OTHERS, fix)
    if facts.project.set_up != "yes":
        return CheckResult("Blender", "note", "not installed yet", LATER)
    return CheckResult("Blender", "fault", "no .venv-blender/bin/python", _OTHERS, "make setup")


def check_libraries(facts: Facts) -> CheckResult:
    """Shared libraries of the system."""
    fault = facts.libraries_fault
    if fault is None:
        return CheckResult("libraries", "ok", "all that Blender loads")
    return CheckResult("libraries", "fault", fault.got, "", fault.fix)


def check_device(facts: Facts) -> CheckResult:
    """Where pictures are rendered: on a GPU that has given one, else on the CPU."""
    wish = facts.project.value("render", "device", "auto")
    devices = facts.blender.record.get("devices", {}) if facts.blender else {}
    there = {name: devices[name] for name in GPU_TYPES if devices.get(name)}
    found = "; ".join(f"{name}: {', '.join(names)}" for name, names in there.items()) or "no GPU that Blender can use"
    if wish == "cpu" or (wish == "auto" and not there):
        return CheckResult("device", "ok", found, "the CPU")
    if wish not in ("auto", *there):
        blender_answers = facts.blender is not None and not facts.blender.fault
        used = f"render.device: {wish} is not there"
        return CheckResult("device", "fault" if blender_answers else "note", found, used, "set render.device: auto")
    return _on_gpu(facts, found, list(there) if wish == "auto" else [wish], by_name=wish != "auto")


def _on_gpu(facts: Facts, found: str, devices: list[str], *, by_name: bool) -> CheckResult:
    """The first of `devices` that has given a picture, or has not been tried."""
    failed = [name for name in devices if name in facts.proofs and not facts.proofs[name].works]
    left = [name for name in devices if name not in failed]
    reasons = "; ".join(f"{name}: {facts.proofs[name].why}" for name in failed)
    if not left:
        fix = f"raise render.device_proof_s, or delete {proofs_file()}, to try again"
        used = reasons if by_name else f"the CPU, for no GPU gave a picture ({reasons})"
        return CheckResult("device", "fault" if by_name else "note", found, used, fix)
    used = f"{left[0]}, which gave a picture" if left[0] in facts.proofs else f"{left[0]}, tried when render starts"
    return CheckResult("device", "ok", found, used + (f" ({reasons})" if reasons else ""))
