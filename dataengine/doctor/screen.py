"""The diagnosis for a person: a line a check, its fix below, the verdict last; one screen of 100 columns."""

from __future__ import annotations

from collections.abc import Iterator

from .diagnosis import Diagnosis
from .lines.result_lines import result_lines


def screen_lines(diagnosis: Diagnosis, *, colour: bool) -> Iterator[str]:
    """The lines of the screen. `colour` marks the status for a terminal."""
    shown = ""
    for group, finding in diagnosis.findings:
        yield from result_lines("" if group == shown else group, finding, colour=colour)
        shown = group
    yield ""
    yield _verdict(diagnosis)


def _verdict(diagnosis: Diagnosis) -> str:
    faults = diagnosis.count("fault")
    if faults:
        return f"{faults} fault{'s' if faults > 1 else ''}: the default run stops at {'them' if faults > 1 else 'it'}"
    return "ready: make repro" + ("" if diagnosis.facts.project.found else ", in the project's folder")
