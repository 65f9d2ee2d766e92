"""The diagnosis for a person: a line a check, its fix below, the verdict last; one screen of 100 columns."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator

from .check_result import CheckResult
from .diagnosis import Diagnosis

COLUMNS = 100
_GROUP, _STATUS, _NAME = 11, 6, 14
_COLOURS = {"ok": "32", "note": "33", "fault": "31"}


def screen_lines(diagnosis: Diagnosis, *, colour: bool) -> Iterator[str]:
    """The lines of the screen. `colour` marks the status for a terminal."""
    shown = ""
    for group, finding in diagnosis.findings:
        yield from _lines("" if group == shown else group, finding, colour)
        shown = group
    yield ""
    yield _verdict(diagnosis)


def _lines(group: str, finding: CheckResult, colour: bool) -> Iterator[str]:
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


def _verdict(diagnosis: Diagnosis) -> str:
    faults = diagnosis.count("fault")
    if faults:
        return f"{faults} fault{'s' if faults > 1 else ''}: the default run stops at {'them' if faults > 1 else 'it'}"
    return "ready: make repro" + ("" if diagnosis.facts.project.found else ", in the project's folder")
