"""A person's answer about the joints of one picture, and what accepting, fixing and rejecting does to it.

Coordinates are in pixels of the picture, `dataengine.people`'s. Nothing here knows FiftyOne, files or the network.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from dataengine.errors import InputError
from dataengine.geometry.pixel_grid import within
from dataengine.keypoints import COCO_KEYPOINTS, OCCLUDED, UNLABELLED, VISIBLE
from dataengine.people import JOINTS

OPEN, ACCEPTED, FIXED, REJECTED = "", "accepted", "fixed", "rejected"
DECISIONS = (OPEN, ACCEPTED, FIXED, REJECTED)
Points = NDArray[np.float64]
Flags = NDArray[np.uint8]


@dataclass(frozen=True, eq=False, kw_only=True)
class PersonAnswer:
    """One person."""

    points_px: Points  # (17, 2), NaN where the joint is not placed
    visibility: Flags  # (17,) COCO's; 0 where the joint is not placed
    decision: tuple[str, ...]  # (17,) of DECISIONS

    @classmethod
    def guessed(cls, points_px: Points, visibility: Flags, size: tuple[int, int]) -> PersonAnswer:
        """What a network says, nothing of it decided. Joints outside of the picture (width, height) are not placed."""
        placed = (visibility > UNLABELLED) & np.isfinite(points_px).all(axis=1)
        placed &= within(np.nan_to_num(points_px, nan=-9.0), size)
        return cls(
            points_px=np.where(placed[:, None], points_px, np.nan),
            visibility=np.where(placed, visibility, UNLABELLED).astype(np.uint8),
            decision=(OPEN,) * JOINTS,
        )

    @classmethod
    def absent(cls) -> PersonAnswer:
        """Somebody of whom no joint is placed yet."""
        return cls(
            points_px=np.full((JOINTS, 2), np.nan),
            visibility=np.full(JOINTS, UNLABELLED, dtype=np.uint8),
            decision=(OPEN,) * JOINTS,
        )

    @property
    def open(self) -> int:
        """Placed joints that nobody has decided on."""
        placed = (self.visibility > UNLABELLED).tolist()
        return sum(here and each == OPEN for here, each in zip(placed, self.decision, strict=True))

    @property
    def labelled(self) -> bool:
        """Whether any joint is placed."""
        return bool((self.visibility > UNLABELLED).any())


@dataclass(frozen=True, eq=False, kw_only=True)
class JointAnswers:
    """All people of a picture."""

    sha256: str
    people: tuple[PersonAnswer, ...]
    finished_by: str = ""
    """Who finished it; "" while nobody has."""
    finished_at: str = ""
    """UTC, ISO 8601."""

    @property
    def open(self) -> int:
        """Placed joints that nobody has decided on."""
        return sum(person.open for person in self.people)

    def person(self, number: int) -> PersonAnswer:
        """The person of that number.

        Raises:
            InputError: there is none.
        """
        if not 0 <= number < len(self.people):
            raise InputError(f"the picture has no person {number}", expected=f"0 to {len(self.people) - 1}")
        return self.people[number]

    def with_person(self, number: int, person: PersonAnswer) -> JointAnswers:
        """With one person exchanged; what is changed is not finished any more."""
        people = tuple(person if row == number else other for row, other in enumerate(self.people))
        return replace(self, people=people, finished_by="", finished_at="")

    def with_another(self, person: PersonAnswer) -> JointAnswers:
        """With one person more, the last; what is changed is not finished any more."""
        return replace(self, people=(*self.people, person), finished_by="", finished_at="")


def joint_numbers(names: Sequence[str]) -> list[int]:
    """Rows of COCO-17 for joints by name; no name at all means every joint.

    Raises:
        InputError: a name is unknown.
    """
    unknown = sorted(set(names) - set(COCO_KEYPOINTS))
    if unknown:
        raise InputError(f"unknown joint {unknown[0]!r}", expected=", ".join(COCO_KEYPOINTS))
    return sorted(COCO_KEYPOINTS.index(name) for name in set(names)) if names else list(range(JOINTS))


def accept(person: PersonAnswer, joints: Sequence[int], guess: PersonAnswer | None = None) -> PersonAnswer:
    """The placed joints among `joints` are right where they are, or, with `guess`, where that has them."""
    for joint in joints:
        source = person if guess is None else guess
        if source.visibility[joint] > UNLABELLED:
            person = _set(person, joint, source.points_px[joint], int(source.visibility[joint]), ACCEPTED)
    return person


def reject(person: PersonAnswer, joints: Sequence[int]) -> PersonAnswer:
    """The joints are not labelled: they cannot be placed, or nobody is there."""
    for joint in joints:
        person = _set(person, joint, np.full(2, np.nan), UNLABELLED, REJECTED)
    return person


def fix(person: PersonAnswer, joint: int, point_px: tuple[float, float], size: tuple[int, int]) -> PersonAnswer:
    """The joint lies at `point_px` in a picture of (width, height); one that was not placed is visible there.

    Raises:
        InputError: the point is outside of the picture.
    """
    point = np.array(point_px, dtype=np.float64)
    if not np.isfinite(point).all() or not bool(within(point, size)):
        got = f"({point_px[0]:g}, {point_px[1]:g})"
        raise InputError(f"{COCO_KEYPOINTS[joint]} lies outside of the picture of {size[0]} x {size[1]} px", got=got)
    return _set(person, joint, point, int(person.visibility[joint]) or VISIBLE, FIXED)


def see(person: PersonAnswer, joints: Sequence[int], visibility: int) -> PersonAnswer:
    """The placed joints among `joints` are hidden (1) or visible (2); where they lie is accepted with that.

    Raises:
        InputError: none of them is placed, or the flag is another.
    """
    placed = [joint for joint in joints if person.visibility[joint] > UNLABELLED]
    if not placed:
        raise InputError("none of these joints is placed", fix="place them with fix_joint first")
    for joint in placed:
        decision = FIXED if person.decision[joint] == FIXED else ACCEPTED
        person = _set(person, joint, person.points_px[joint], _flag(visibility), decision)
    return person


def _flag(visibility: int) -> int:
    if visibility not in (OCCLUDED, VISIBLE):
        raise InputError("visibility of a placed joint", expected="1 (hidden) or 2 (visible)", got=str(visibility))
    return visibility


def _set(person: PersonAnswer, joint: int, point: Points, flag: int, decision: str) -> PersonAnswer:
    points, flags = person.points_px.copy(), person.visibility.copy()
    points[joint], flags[joint] = point, flag
    decisions = tuple(decision if row == joint else other for row, other in enumerate(person.decision))
    return PersonAnswer(points_px=points, visibility=flags, decision=decisions)
