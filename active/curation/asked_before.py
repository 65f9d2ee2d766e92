"""In which round of the ledger a picture was asked for, and which round's question its labels answer."""

from __future__ import annotations

from pathlib import Path

from dataengine.rounds.answered import read_answers
from dataengine.rounds.asked import read_rounds

from .run_tables import AskedBefore


def asked_before(rounds: Path, labels: Path) -> dict[str, AskedBefore]:
    """sha256 -> what is known, of all pictures that were asked for or labelled.

    Raises:
        InputError: a record or a label file is damaged.
    """
    records = read_rounds(rounds)
    number = {record.selection_sha256: record.number for record in records}
    asked = {sha256: record.number for record in records for sha256 in record.picks}  # the earliest first
    counting: dict[str, list[tuple[int | None, str]]] = {}
    for answer in read_answers(labels):
        if answer.counts:
            counting.setdefault(answer.sha256, []).append((number.get(answer.selection_sha256), answer.annotator))
    known = {}
    for sha256 in sorted({*asked, *counting}):
        given = counting.get(sha256, [])
        known[sha256] = AskedBefore(
            asked_round=asked.get(sha256),
            answered_round=given[0][0] if given else None,
            answered_by=", ".join(sorted({annotator for _, annotator in given})) or None,
        )
    return known
