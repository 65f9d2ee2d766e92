"""All checks of the project's state in their order, the repairs, and the JSON object of ``doctor --project``."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from dataengine.doctor.lines.check_result import CheckResult
from dataengine.errors import DataEngineError

from . import asked, committed, dvc_files, labels, left_behind, models
from .finding import StateFinding
from .kept import Kept, read_kept

SCHEMA = 1
GROUPS: Mapping[str, tuple[Callable[[Kept], Iterator[StateFinding]], ...]] = {
    left_behind.GROUP: (
        left_behind.check_workers,
        left_behind.check_drafts,
        left_behind.check_git_locks,
        left_behind.check_dvc_locks,
        left_behind.check_temporary_copies,
    ),
    dvc_files.GROUP: (dvc_files.check_lock,),  # before all that asks DVC
    models.REGISTRY: (models.check_registry, models.check_store),
    models.PINS: (models.check_pins, models.check_policy, models.check_named_files),
    labels.GROUP: (labels.check_label_files, labels.check_pictures),
    asked.GROUP: (asked.check_records, asked.check_whole_rounds, asked.check_answers, asked.check_last_selection),
    asked.REQUESTS: (asked.check_requests,),
    dvc_files.RESULTS: (dvc_files.check_status,),
    committed.GROUP: (committed.check_committed,),
}
_FINE = "nothing is wrong"


@dataclass(frozen=True)
class Examination:
    """What is wrong now, and what was put right before."""

    findings: tuple[StateFinding, ...]
    """In the order of `GROUPS`; a group without fault has one that is ok."""
    fixed: tuple[str, ...] = ()
    failed: tuple[str, ...] = ()
    """Repairs that could not be made, and why."""

    def count(self, status: str) -> int:
        """Number of findings with this status."""
        return sum(each.result.status == status for each in self.findings)

    @property
    def exit_code(self) -> int:
        """0 where the project agrees with itself, else 2."""
        return 2 if self.count("fault") else 0

    def as_json(self) -> dict[str, Any]:
        """The object that ``--json`` prints."""
        return {
            "schema": SCHEMA,
            "consistent": self.exit_code == 0,
            "faults": self.count("fault"),
            "notes": self.count("note"),
            "fixed": list(self.fixed),
            "failed": list(self.failed),
            "checks": [each.as_json() for each in self.findings],
        }


def examine(root: Path, params: Path) -> Examination:
    """Look at everything and change nothing.

    Raises:
        DataEngineError: the folder holds no project, or dvc.yaml or params.yaml cannot be read.
    """
    return _examined(read_kept(root, params))


def examine_and_fix(root: Path, params: Path) -> Examination:
    """Put right what can be put right without a decision, then look again.

    Groups are looked at one after the other, each with the earlier ones fixed: DVC is of use to a repair only once its
    own locks are. Raises as `examine`.
    """
    kept, fixed, failed = read_kept(root, params), list[str](), list[str]()
    for checks in GROUPS.values():
        for each in (each for check in checks for each in check(kept)):
            if each.repair is None:
                continue
            try:
                each.repair()
            except (DataEngineError, OSError) as error:
                failed.append(f"{each.result.found}: {error}")
            else:
                fixed.append(each.result.found)
    after = _examined(kept)
    return Examination(after.findings, tuple(fixed), tuple(failed))


def fix_left_behind(root: Path, params: Path) -> list[str]:
    """Remove what killed processes have left and put right what DVC has half written; what was put right.

    For a caller that holds the project's lock, before it starts git or DVC. Raises as `examine`.
    """
    kept, fixed = read_kept(root, params), list[str]()
    for group in (left_behind.GROUP, dvc_files.GROUP):
        for each in [each for check in GROUPS[group] for each in check(kept)]:
            if each.repair is not None:
                each.repair()
                fixed.append(each.result.found)
    return fixed


def _examined(kept: Kept) -> Examination:
    findings = list[StateFinding]()
    for group, checks in GROUPS.items():
        found = [each for check in checks for each in check(kept)]
        findings += found or [StateFinding(group, CheckResult("", "ok", _FINE))]
    return Examination(tuple(findings))
