"""The answers to what was asked: who labelled which picture, when, in how long, and how many joints changed.

All of it stands in the label store already. An import names the digest of the selection that it answers; that joins it
to the record of `select`. Imports that name none, or one that no record is about, belong to no known round.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from dataengine.files import read_json
from dataengine.keypoints import UNLABELLED
from dataengine.labels.label_file import LabelFile
from dataengine.labels.label_store import latest, read_store
from dataengine.labels.labelling_time import LEAD_TIME
from dataengine.rounds.asked import AskedRound

CHANGES = ("moved", "added", "removed")


@dataclass(frozen=True, kw_only=True)
class PictureAnswer:
    """What one annotator answered about one picture in one import."""

    sha256: str
    file: Path
    at: str
    """When it was imported, ISO 8601 in UTC."""
    annotator: str
    selection_sha256: str
    """The selection that asked, "" where the import names none."""
    sent: str
    """Name of the record of what went out, "" where the import names none."""
    people: int
    """0 where the annotator confirmed that nobody is there."""
    joints: int
    """Labelled joints of them."""
    seconds: float | None
    """The time that the tool recorded, None where it recorded none."""
    changed: int | None
    """Joints moved, added or removed; None where the import did not compare."""
    counts: bool
    """Whether no later import is about the picture."""


def read_answers(folder: Path) -> list[PictureAnswer]:
    """All answers in the label store `folder`, the earliest first; none where it does not exist.

    Raises:
        InputError: a file of the store is damaged.
    """
    files = read_store(folder)
    counting = latest(files)
    return [answer for file in files for answer in _of_file(file, counting)]


def of_round(answers: Iterable[PictureAnswer], asked: AskedRound) -> list[PictureAnswer]:
    """The answers to one selection."""
    return [answer for answer in answers if answer.selection_sha256 == asked.selection_sha256]


def of_no_round(answers: Iterable[PictureAnswer], rounds: Sequence[AskedRound]) -> list[PictureAnswer]:
    """The answers of imports that belong to no record."""
    known = {asked.selection_sha256 for asked in rounds}
    return [answer for answer in answers if answer.selection_sha256 not in known]


def _of_file(file: LabelFile, counting: Mapping[str, LabelFile]) -> list[PictureAnswer]:
    info: dict[str, Any] = read_json(file.path)["info"]
    efforts = {(str(each["annotator"]), str(each["sha256"])): each for each in info.get("efforts", [])}
    people, said = file.people, {str(each["sha256"]): str(each["annotator"]) for each in info["nobody"]}
    hashes, names = people.extras.get("sha256", np.empty(0, str)), people.extras.get("annotator", np.empty(0, str))
    rows = dict[tuple[str, str], list[int]]()
    for row, key in enumerate(zip(map(str, names.tolist()), map(str, hashes.tolist()), strict=True)):
        rows.setdefault(key, []).append(row)
    rows |= {(annotator, sha256): [] for sha256, annotator in said.items()}
    took = people.extras.get(LEAD_TIME)
    place = {sha256: number for number, sha256 in enumerate(file.sha256.tolist())}
    return [
        PictureAnswer(
            sha256=sha256,
            file=file.path,
            at=file.at,
            annotator=annotator,
            selection_sha256=str(info["imported"].get("selection_sha256", "")),
            sent=str(info["imported"].get("sent", "")),
            people=len(own),
            joints=int((people.visibility[own] > UNLABELLED).sum()),
            seconds=_seconds(took[own[0]]) if took is not None and own else None,
            changed=_changed(efforts.get((annotator, sha256))),
            counts=counting[sha256] is file,
        )
        for (annotator, sha256), own in sorted(rows.items(), key=lambda item: (place[item[0][1]], item[0][0]))
    ]


def _seconds(took: Any) -> float | None:
    is_time = isinstance(took, int | float | np.number) and not isinstance(took, bool) and took > 0
    return float(took) if is_time else None


def _changed(effort: Mapping[str, Any] | None) -> int | None:
    return None if effort is None else sum(int(effort[name]) for name in CHANGES)
