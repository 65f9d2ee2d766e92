"""Suspects of mistakes.json as findings of the check `mistakes`, for people whose labels are still those judged."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from dataengine.mistakes.suspects import Suspect, current

from ..checks.checking import CheckedSet, short_names
from ..checks.finding import Finding

MISTAKES = "mistakes"


def with_mistakes(checked: CheckedSet, suspects: Sequence[Suspect]) -> CheckedSet:
    """`checked` with the suspects that its people and pictures have, and with the check in their column `suspect`."""
    names, rows = short_names(checked.images), checked.images.rows_of(checked.people.image_id)
    found, marks = [], checked.people.extras["suspect"].astype(object)
    for suspect, person in current(suspects, checked.people, checked.images):
        found.append(_finding(suspect, "annotations", suspect.id, names[rows[person]], person))
        marks[person] = ",".join(filter(None, (*str(marks[person]).split(","), MISTAKES)))
    for suspect in suspects:
        if suspect.kind == "missing":
            found += [
                _finding(suspect, "images", str(checked.images.id[row]), names[row], -1)
                for row, path in enumerate(checked.images.path.tolist())
                if f"/{path}".endswith(f"/{suspect.file}")
            ]
    people = checked.people.with_extra("suspect", np.array(marks.tolist(), dtype=str))
    return replace(checked, people=people, findings=[*checked.findings, *found])


def _finding(suspect: Suspect, table: str, identity: str, file: str, row: int) -> Finding:
    return Finding(MISTAKES, table, identity, file, suspect.reason, suspect.probability, row)
