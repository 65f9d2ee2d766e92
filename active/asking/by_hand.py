"""Needs of a person: poses chosen in the App (``like-<hash>.json``, as `dataengine render --like` reads them)."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np

from dataengine.coco_json import read_people
from dataengine.people import People
from dataengine.requests.record import ORIGIN

from .need import Need

PATTERN = "like-*.json"
WEIGHT = 1.0
"""A person asks before anything that figures say."""


def needs_by_hand(folder: Path) -> Iterator[Need]:
    """A need for each file in the folder; none where it does not exist.

    Raises:
        InputError: a file is not COCO person_keypoints JSON.
    """
    for path in sorted(folder.glob(PATTERN)):
        people, images = read_people(path)
        if not len(people):
            continue
        columns = {"sha256": np.full(len(people), ""), ORIGIN: np.full(len(people), "person")}
        yield Need(
            asked_by="person",
            part="",
            weight=WEIGHT,
            reason=f"chosen by a person: {path.stem}",
            examples=(people.replace(extras=columns), images),
            evidence={"file": path.name},
        )


def shows_test_person(people: People, test: People) -> bool:
    """Whether one of the people has the joints of a person of the test set, to a pixel: such poses are refused."""
    if not len(people) or not len(test):
        return False
    known = {_key(points, flags) for points, flags in zip(test.keypoints_px, test.visibility, strict=True)}
    return any(_key(p, v) in known for p, v in zip(people.keypoints_px, people.visibility, strict=True))


def _key(points: np.typing.NDArray[np.float32], flags: np.typing.NDArray[np.uint8]) -> bytes:
    seen = flags > 0
    return np.where(seen[:, None], np.rint(points), -1).astype(np.int32).tobytes()
