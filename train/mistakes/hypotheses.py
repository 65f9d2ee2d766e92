"""What may be wrong with a label, as the places that each joint would have: the questions that all witnesses answer.

A joint is asked about at four places: where it is labelled; where its partner of the other side is labelled; and two
made-up ones, at which it certainly is not: moved by itself, and with the whole pose of somebody else. What witnesses
say of the made-up places teaches what they say of wrong labels (`odds.py`).
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from dataengine.keypoints import FLIP_INDEX, UNLABELLED
from dataengine.mistakes.limb_lengths import limb_length_px
from dataengine.people import JOINTS, People

Floats = NDArray[np.float64]
Booleans = NDArray[np.bool_]
OWN, PARTNER, MOVED, STRAY = range(4)
PLACES = 4
EXCHANGES: Mapping[str, NDArray[np.int64]] = {
    "sides": np.arange(5, 17),
    "arms": np.arange(5, 11),
    "legs": np.arange(11, 17),
}
"""Kind of exchange -> the joints whose left and right are exchanged; faces follow the whole body."""
LEAST_PAIRS = 2  # labelled pairs of joints without which an exchange is not asked about
_LEAST_MOVE, _LARGEST_MOVE = 0.25, 2.0  # limb lengths: wider than mistakes worth finding, so that both ends are learnt
_LIMB_OF_SIZE = 0.32  # limb length over the root of the box's area where no bone says it: LSPET's median
_STRAY_SIZES = (0.3, 1.0)  # how far off the stray pose stands, in roots of the box's area


@dataclass(frozen=True, eq=False)
class Questions:
    """Places (n, 17, PLACES, 2) in image pixels, and which joints are labelled (n, 17)."""

    places: Floats
    labelled: Booleans


def questions(people: People, rng: np.random.Generator) -> Questions:
    """The four places of every joint of `people`; those of unlabelled joints mean nothing."""
    own = people.keypoints_px.astype(np.float64)
    moved = own + displacements(len(people), rng, (_LEAST_MOVE, _LARGEST_MOVE)) * limb_px(people)[..., None]
    places = np.stack([own, own[:, FLIP_INDEX], moved, _strays(people, rng)], axis=2)
    return Questions(places, people.visibility > UNLABELLED)


def exchanged(people: People, joints: NDArray[np.int64], rows: NDArray[np.int64] | slice = slice(None)) -> People:
    """`people` with left and right exchanged among `joints`, flags too; for the rows given only."""
    order = np.arange(JOINTS)
    order[joints] = FLIP_INDEX[joints]
    points, flags = people.keypoints_px.copy(), people.visibility.copy()
    points[rows], flags[rows] = points[rows][:, order], flags[rows][:, order]
    return people.replace(keypoints_px=points, visibility=flags)


def paired(labelled: Booleans, joints: NDArray[np.int64]) -> Booleans:
    """(n, 17) the joints among `joints` that are labelled on both sides."""
    chosen = np.zeros(JOINTS, dtype=bool)
    chosen[joints] = True
    return labelled & labelled[:, FLIP_INDEX] & chosen


def limb_px(people: People) -> Floats:
    """(n, 17) length of the limb at each joint; by the box where no bone says it."""
    return np.where(np.isnan(length := limb_length_px(people)), _LIMB_OF_SIZE * size_px(people)[:, None], length)


def size_px(people: People) -> Floats:
    """(n,) the root of the box's area, 1 at least."""
    return np.sqrt(np.maximum(people.bbox_xywh_px[:, 2:].astype(np.float64).prod(axis=1), 1.0))


def displacements(n: int, rng: np.random.Generator, lengths: tuple[float, float]) -> Floats:
    """(n, 17, 2) vectors of any direction and of uniform `lengths`, least and largest."""
    angle, length = rng.uniform(0, 2 * np.pi, (n, JOINTS)), rng.uniform(*lengths, (n, JOINTS))
    return np.stack([np.cos(angle), np.sin(angle)], axis=2) * length[..., None]


def _strays(people: People, rng: np.random.Generator) -> Floats:
    """(n, 17, 2) somebody else's pose at this person's size and some way off: the labels of another person."""
    n = len(people)
    others = rng.permutation(n)
    center = people.bbox_xywh_px[:, None, :2] + people.bbox_xywh_px[:, None, 2:] / 2
    size = size_px(people)[:, None, None]
    pose = (people.keypoints_px - center)[others] / size[others]
    unknown = people.visibility[others] == UNLABELLED
    pose[unknown] = rng.normal(0, 0.3, (int(unknown.sum()), 2))
    offset = displacements(n, rng, _STRAY_SIZES)[:, :1]
    return np.asarray(center + (pose + offset) * size, dtype=np.float64)
