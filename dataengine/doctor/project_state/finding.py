"""What a check of the project's state found, with the repair that can be made without asking."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from dataengine.doctor.lines.check_result import CheckResult, Status

Repair = Callable[[], None]
"""Puts one thing right. Raises `DataEngineError` or `OSError` where it cannot; then nothing has changed."""


@dataclass(frozen=True)
class StateFinding:
    """One line. "fault": the next round would stop, or what is kept contradicts itself; "note": worth knowing."""

    group: str
    result: CheckResult
    repair: Repair | None = None
    """None where it takes a decision."""

    def as_json(self) -> dict[str, Any]:
        """One entry of ``checks`` in the object of ``--json``."""
        result = self.result
        return {
            "group": self.group,
            "name": result.name,
            "status": result.status,
            "found": result.found,
            "fix": result.fix,
            "fixable": self.repair is not None,
        }


def finding(
    group: str, name: str, status: Status, found: str, *, fix: str = "", repair: Repair | None = None
) -> StateFinding:
    """The finding with these words."""
    return StateFinding(group, CheckResult(name, status, found, "", fix), repair)
