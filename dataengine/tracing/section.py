"""One part of an answer: a title, lines to read, and the same as values."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any


@dataclass(frozen=True)
class Section:
    """What is known about one question. What is not known stands in the lines, too."""

    title: str
    lines: tuple[str, ...]
    facts: dict[str, Any] = field(default_factory=dict)
    """For machines: JSON values."""


def shown(path: Path) -> str:
    """A path as a user in the working folder types it."""
    here = Path.cwd()
    return str(path.relative_to(here)) if path.is_relative_to(here) else str(path)


def when(at: str) -> str:
    """A time in UTC, to read.

    >>> when("2026-03-01T12:30:00+00:00")
    '2026-03-01 12:30 UTC'
    """
    return f"{at[:16].replace('T', ' ')} UTC"
