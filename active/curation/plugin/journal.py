"""Answers on disk: a small JSON file a picture, written at every decision, so that the database is not the only copy.

Two processes write to different pictures without waiting for each other, and a file is whole or absent.
"""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import numpy as np

from dataengine.errors import InputError
from dataengine.files import read_json, write_json
from dataengine.people import JOINTS

from .joints import DECISIONS, JointAnswers, PersonAnswer

FORMAT = "dataengine.picture-answer/1"
FOLDER = "pictures"


def write_answer(answers: Path, answer: JointAnswers) -> Path:
    """Write the answer about one picture into the folder of answers."""
    path = answers / FOLDER / f"{answer.sha256}.json"
    people = [
        {
            "points_px": [[_number(x), _number(y)] for x, y in person.points_px.tolist()],
            "visibility": person.visibility.tolist(),
            "decision": list(person.decision),
        }
        for person in answer.people
    ]
    finished = {"finished_by": answer.finished_by, "finished_at": answer.finished_at}
    write_json(path, {"format": FORMAT, "sha256": answer.sha256, **finished, "people": people})
    return path


def read_answer(answers: Path, sha256: str) -> JointAnswers | None:
    """The answer about a picture; None where there is none yet.

    Raises:
        InputError: the file is damaged.
    """
    path = answers / FOLDER / f"{sha256}.json"
    if not path.is_file():
        return None
    document = read_json(path)
    try:
        if document["format"] != FORMAT or document["sha256"] != sha256:
            raise ValueError("another format or picture")
        return JointAnswers(
            sha256=sha256,
            people=tuple(_person(record) for record in document["people"]),
            finished_by=str(document["finished_by"]),
            finished_at=str(document["finished_at"]),
        )
    except (KeyError, TypeError, ValueError) as fault:
        fix = "delete the file; the picture is then asked for again"
        raise InputError(f"{path} is not an answer about a picture", got=str(fault), fix=fix) from fault


def read_answers(answers: Path) -> dict[str, JointAnswers]:
    """All answers of the folder by the picture's sha256, in its order."""
    found = (read_answer(answers, path.stem) for path in sorted((answers / FOLDER).glob("[!.]*.json")))
    return {answer.sha256: answer for answer in found if answer is not None}


def _person(record: dict[str, Any]) -> PersonAnswer:
    points = np.array([[math.nan if v is None else float(v) for v in point] for point in record["points_px"]])
    decision = tuple(record["decision"])
    if points.shape != (JOINTS, 2) or len(record["visibility"]) != JOINTS or len(decision) != JOINTS:
        raise ValueError(f"a person without {JOINTS} joints")
    if not set(decision) <= set(DECISIONS):
        raise ValueError("an unknown decision")
    return PersonAnswer(points_px=points, visibility=np.array(record["visibility"], dtype=np.uint8), decision=decision)


def _number(value: float) -> float | None:
    return round(value, 3) if math.isfinite(value) else None
