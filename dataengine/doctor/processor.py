"""The processor: what it computes with, its cores, the precision of fits, 8-bit products."""

from __future__ import annotations

from . import choices
from .facts import Facts
from .lines.check_result import CheckResult


def check_instructions(facts: Facts) -> CheckResult:
    """Name and instruction sets."""
    processor = facts.processor
    found = f"{processor.name}: {', '.join(processor.instructions) or 'instruction sets not known'}"
    if processor.architecture == "x86_64" and processor.instructions and "AVX2" not in processor.instructions:
        return CheckResult("processor", "note", found, "no AVX2: everything takes several times as long")
    return CheckResult("processor", "ok", found)


def check_cores(facts: Facts) -> CheckResult:
    """Cores that this process may use, against the render workers that are asked for."""
    workers = facts.project.value("render", "workers", 2)
    rest = "" if facts.cores == facts.machine_cores else f" of {facts.machine_cores}; the others are not granted"
    found, used = f"{facts.cores}{rest}", f"render.workers: {workers}"
    if workers > facts.cores or facts.cores >= 2 * workers:
        return CheckResult("cores", "note", found, used, f"set render.workers: {facts.cores} in params.yaml")
    return CheckResult("cores", "ok", found, used)


def check_precision(facts: Facts) -> CheckResult:
    """The precision that fits take, and why."""
    able = facts.processor.multiplies_bf16
    found = "bf16 in hardware" if able else "bf16 would be emulated"
    precisions = choices.precision(facts)
    faults = sorted({choice["fault"] for choice in precisions.values() if "fault" in choice})
    if faults:
        return CheckResult("precision", "fault", found, faults[0], "set precision and device: auto in params.yaml")
    if not precisions:
        used = f"not chosen: {facts.precision.fault}" if facts.precision else "chosen once PyTorch answers"
        return CheckResult("precision", "note", found, used)
    names = list(dict.fromkeys(f"{choice['name']} ({choice['reason']})" for choice in precisions.values()))
    used = f"fits take {', '.join(names)}"
    if any(choice["name"] == "bf16" for choice in precisions.values()) and choices.automatic_precision(facts) == "fp32":
        return CheckResult("precision", "note", found, used, "set precision: auto in params.yaml")
    return CheckResult("precision", "ok", found, used)


def check_int8(facts: Facts) -> CheckResult:
    """How products of 8 bits are added up, which decides how fast the INT8 file is; its keypoints are the same."""
    used = "export measures which file is the fastest here"
    if facts.processor.int8_unit:
        return CheckResult("INT8", "ok", f"8-bit products by {facts.processor.int8_unit}", used)
    return CheckResult("INT8", "note", "no VNNI: INT8 is hardly faster than FP32 on this CPU", used)
