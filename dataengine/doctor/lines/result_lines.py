"""The lines of one finding on a screen of 100 columns: group, status, name, what was found, its fix below."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator

from .check_result import CheckResult

COLUMNS = 100
_GROUP, _STATUS, _NAME = 11, 6, 14
_COLOURS = {"ok": "32", "note": "33", "fault": "31"}


def result_lines(group: str, finding: CheckResult, *, colour: bool) -> Iterator[str]:
    """The lines of one finding; `group` stands before its first one."""
    rows = _wrapped("; ".join(part for part in (finding.found, finding.used) if part))
    rows += _wrapped(f"fix: {finding.fix}") if finding.fix else []
    status = f"{finding.status:<{_STATUS}}"
    if colour:
        status = f"\x1b[{_COLOURS[finding.status]}m{status}\x1b[0m"
    yield f"{group:<{_GROUP}}{status}{finding.name:<{_NAME}}{rows[0]}"
    yield from (" " * (_GROUP + _STATUS + _NAME) + row for row in rows[1:])


def _wrapped(text: str) -> list[str]:
    width = COLUMNS - _GROUP - _STATUS - _NAME
    return textwrap.wrap(" ".join(text.split()), width, break_on_hyphens=False) or [""]
