"""The examination for a person: a line a finding, what was fixed before it, the verdict last."""

from __future__ import annotations

from collections.abc import Iterator

from dataengine.doctor.lines.result_lines import result_lines

from .examination import Examination


def examination_lines(examination: Examination, *, colour: bool) -> Iterator[str]:
    """The lines of the screen. `colour` marks the status for a terminal."""
    for text in examination.fixed:
        yield f"fixed: {text}"
    for text in examination.failed:
        yield f"not fixed: {text}"
    if examination.fixed or examination.failed:
        yield ""
    shown = ""
    for each in examination.findings:
        yield from result_lines("" if each.group == shown else each.group, each.result, colour=colour)
        shown = each.group
    yield ""
    yield _verdict(examination)


def _verdict(examination: Examination) -> str:
    faults = examination.count("fault")
    fixable = sum(each.repair is not None for each in examination.findings)
    offer = f"; dataengine doctor --project --fix puts {fixable} right" if fixable and not examination.failed else ""
    if faults:
        return f"{faults} fault{'s' if faults > 1 else ''}{offer}"
    return f"the project agrees with itself{offer}"
