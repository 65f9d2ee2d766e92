"""All checks in their order, the verdict, and the JSON object. docs/doctor.md describes the object."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from . import choices, curation, engines, memory, processor, rendering, tools
from .facts import Facts
from .lines.check_result import CheckResult
from .project import read_project
from .questions import gather

SCHEMA = 1
LIMIT_S = 20.0
"""Time limit of each question; a first import of PyTorch from a slow disk takes more than ten seconds."""

GROUPS: Mapping[str, tuple[Callable[[Facts], CheckResult], ...]] = {
    "project": (tools.check_project, tools.check_environment),
    "processor": (
        processor.check_instructions,
        processor.check_cores,
        processor.check_precision,
        processor.check_int8,
    ),
    "memory": (memory.check_memory, memory.check_disk),
    "engines": (
        engines.check_gpu,
        engines.check_pytorch,
        engines.check_onnxruntime,
        engines.check_tensorrt,
        engines.check_runner,
    ),
    "rendering": (rendering.check_blender, rendering.check_libraries, rendering.check_device),
    "curation": (curation.check_fiftyone, curation.check_database, curation.check_app_port),
    "tools": (tools.check_git, tools.check_dvc, tools.check_browser),
}


@dataclass(frozen=True)
class Diagnosis:
    """What was found, and what every check makes of it."""

    facts: Facts
    findings: tuple[tuple[str, CheckResult], ...]
    """(group, finding), in the order of `GROUPS`."""

    def count(self, status: str) -> int:
        """Number of findings with this status."""
        return sum(finding.status == status for _, finding in self.findings)

    @property
    def exit_code(self) -> int:
        """0 where nothing stops the default run, else 2."""
        return 2 if self.count("fault") else 0

    def as_json(self) -> dict[str, Any]:
        """The object that ``--json`` prints."""
        facts = self.facts
        return {
            "schema": SCHEMA,
            "ready": self.exit_code == 0,
            "faults": self.count("fault"),
            "notes": self.count("note"),
            "project": {
                "root": str(facts.project.root.resolve()),
                "found": facts.project.found,
                "set_up": facts.project.set_up,
            },
            "machine": _machine(facts),
            "chosen": {
                "device": choices.device(facts),
                "precision": {fit: choice.get("name") for fit, choice in choices.precision(facts).items()},
                "runner": choices.runner(facts),
            },
            "checks": [{"group": group, **asdict(finding)} for group, finding in self.findings],
        }


def diagnose(root: Path, params: Path, limit_s: float = LIMIT_S) -> Diagnosis:
    """Look at this machine for the project in `root`; no question takes longer than `limit_s` seconds."""
    return run_checks(gather(read_project(root, params), limit_s))


def run_checks(facts: Facts) -> Diagnosis:
    """Run every check on what was found."""
    return Diagnosis(facts, tuple((group, check(facts)) for group, checks in GROUPS.items() for check in checks))


def _machine(facts: Facts) -> dict[str, Any]:
    return {
        "processor": facts.processor.name,
        "architecture": facts.processor.architecture,
        "instruction_sets": list(facts.processor.instructions),
        "cores": facts.cores,
        "memory_bytes": asdict(facts.memory),
        "disk_free_bytes": facts.disk.free_bytes,
        "gpus": list(choices.gpus(facts)),
    }
