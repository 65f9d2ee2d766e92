"""Impossible limbs: a bone that is too long for the rest of the body.

Seen from afar a bone looks at most as long as it is. So each bone implies a least stature (its length over its share of
stature, Drillis & Contini's proportions in `dataengine.poses.embedding.BONES`), and the longest bone is compared with
the longest among those that share no joint with it: one misplaced joint spoils two bones. An excess is suspect when it
is both large in itself and far from what is usual in the set, which lenses and label noise differ in.
"""

import numpy as np
from numpy.typing import NDArray

from dataengine.keypoints import COCO_KEYPOINTS, UNLABELLED
from dataengine.people import People
from dataengine.poses.embedding import BONES

from .person_boxes import Fault

LEAST_OTHERS = 3  # with fewer bones to compare with, all of them may well point at the camera
_NAMES = tuple(BONES)
_FROM, _TO = (np.array([COCO_KEYPOINTS.index(bone[end]) for bone in BONES.values()]) for end in (0, 1))
_SHARE_OF_STATURE = np.array([bone[2] for bone in BONES.values()])


def long_limbs(people: People, *, least_excess: float, deviations: float) -> list[Fault]:
    """People whose longest limb exceeds the rest by `least_excess` and by `deviations` robust deviations of the set."""
    excess, bone = limb_excess(people)
    judged = ~np.isnan(excess)
    if not judged.any():
        return []
    limit = max(least_excess, _usual_limit(excess[judged], deviations))
    return [
        Fault(
            int(row), f"{_bone_name(bone[row])} {excess[row]:.1f} times as long as the rest allows", float(excess[row])
        )
        for row in np.flatnonzero(judged & (excess > limit))
    ]


def limb_excess(people: People) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """How many times too long (n,) the most excessive bone is, NaN where too little is labelled, and which it is (n,).

    For bone b: stature that b implies, over the largest stature that bones without a joint of b imply.
    """
    stature = implied_stature_px(people)
    excess = np.full(stature.shape, -1.0)
    for bone, disjoint in enumerate(_disjoint()):
        others = np.nan_to_num(stature[:, disjoint], nan=0.0)
        enough = ((others > 0).sum(axis=1) >= LEAST_OTHERS) & ~np.isnan(stature[:, bone])
        excess[enough, bone] = stature[enough, bone] / others[enough].max(axis=1)
    longest = excess.argmax(axis=1)
    worst = excess[np.arange(len(people)), longest]
    return np.where(worst >= 0, worst, np.nan), longest


def implied_stature_px(people: People) -> NDArray[np.float64]:
    """(n, bones) least stature in pixels that explains each bone, NaN where an end is not labelled."""
    labelled = people.visibility > UNLABELLED
    points = people.keypoints_px.astype(np.float64)
    length = np.linalg.norm(points[:, _TO] - points[:, _FROM], axis=2)
    return np.where(labelled[:, _FROM] & labelled[:, _TO], length / _SHARE_OF_STATURE, np.nan)


def _usual_limit(excess: NDArray[np.float64], deviations: float) -> float:
    """Median plus `deviations` times 1.4826 median absolute deviations (normal consistent), of the logarithm."""
    logs = np.log(np.maximum(excess, 1e-6))
    middle = np.median(logs)
    return float(np.exp(middle + deviations * 1.4826 * np.median(np.abs(logs - middle))))


def _bone_name(bone: int) -> str:
    name = _NAMES[bone].replace("_", " ")
    return f"{'distance of the ' if name.endswith('s') else ''}{name}"


def _disjoint() -> list[NDArray[np.int64]]:
    """For each bone the indices of those that share no joint with it."""
    ends = [set(bone[:2]) for bone in BONES.values()]
    return [np.array([other for other, joints in enumerate(ends) if not joints & own]) for own in ends]
