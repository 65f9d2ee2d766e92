"""One line of the diagnosis."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Status = Literal["ok", "note", "fault"]


@dataclass(frozen=True)
class CheckResult:
    """What one check found."""

    name: str
    status: Status
    """"fault" stops the default run; "note" slows or limits it, or stops something else; "ok" is neither."""
    found: str
    """What is there."""
    used: str = ""
    """What will be used of it; "" where nothing is chosen."""
    fix: str = ""
    """How to fix it; "" where nothing needs to be."""
