"""Lengths of limbs: which bone is too long for the rest of the body, and how long a person's bones are.

Seen from afar a bone looks at most as long as it is. So each bone implies a least stature (its length over its share of
stature, Drillis & Contini's proportions in `dataengine.poses.embedding.BONES`), and the longest bone is compared with
the longest among those that share no joint with it: one misplaced joint spoils two bones.
"""

import numpy as np
from numpy.typing import NDArray

from dataengine.keypoints import COCO_KEYPOINTS, UNLABELLED
from dataengine.people import JOINTS, People
from dataengine.poses.embedding import BONES, stature_px

LEAST_OTHERS = 3  # with fewer bones to compare with, all of them may well point at the camera
_FROM, _TO = (np.array([COCO_KEYPOINTS.index(bone[end]) for bone in BONES.values()]) for end in (0, 1))
_SHARE_OF_STATURE = np.array([bone[2] for bone in BONES.values()])
_LIMBS = ("arm", "forearm", "thigh", "shank")
_LIMB_BONES = [bone for name, bone in BONES.items() if name.split("_")[-1] in _LIMBS]


def limb_excess(people: People) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """How many times too long (n,) the most excessive bone is, NaN where too little is labelled, and which it is (n,).

    For bone b: stature that b implies, over the largest stature that bones without a joint of b imply.
    """
    excess = _excess(implied_stature_px(people))
    longest = excess.argmax(axis=1)
    worst = excess[np.arange(len(people)), longest]
    return np.where(worst >= 0, worst, np.nan), longest


def implied_stature_px(people: People) -> NDArray[np.float64]:
    """(n, bones) least stature in pixels that explains each bone, NaN where an end is not labelled."""
    labelled = people.visibility > UNLABELLED
    points = people.keypoints_px.astype(np.float64)
    length = np.linalg.norm(points[:, _TO] - points[:, _FROM], axis=2)
    return np.where(labelled[:, _FROM] & labelled[:, _TO], length / _SHARE_OF_STATURE, np.nan)


def limb_length_px(people: People) -> NDArray[np.float64]:
    """Length (n, 17) of the limb bone that ends in each joint, foreshortening apart, px; NaN where nothing says it.

    A joint between two bones has the upper one's. It is the bone's share of the stature that the pose shows, which one
    misplaced joint does not change. Face joints have no limb.
    """
    stature = stature_px(people.keypoints_px, people.visibility)
    length = np.full((len(people), JOINTS), np.nan)
    for upper, lower, share in reversed(_LIMB_BONES):
        ends = [COCO_KEYPOINTS.index(upper), COCO_KEYPOINTS.index(lower)]
        length[:, ends] = np.where(stature > 0, share * stature, np.nan)[:, None]
    return length


def joint_excess(people: People) -> NDArray[np.float64]:
    """How many times too long (n, 17) the worst bone at each joint is, NaN where too little is labelled."""
    excess = _excess(implied_stature_px(people))
    at_joint = np.full((len(people), JOINTS), np.nan)
    for joint in np.union1d(_FROM, _TO):
        worst = excess[:, (joint == _FROM) | (joint == _TO)].max(axis=1)
        at_joint[:, joint] = np.where(worst >= 0, worst, np.nan)
    return at_joint


def _excess(stature: NDArray[np.float64]) -> NDArray[np.float64]:
    """(n, bones) the stature each bone implies over the largest that bones without a joint of it do; -1: unknown."""
    excess = np.full(stature.shape, -1.0)
    for bone, disjoint in enumerate(_disjoint()):
        others = np.nan_to_num(stature[:, disjoint], nan=0.0)
        enough = ((others > 0).sum(axis=1) >= LEAST_OTHERS) & ~np.isnan(stature[:, bone])
        excess[enough, bone] = stature[enough, bone] / np.maximum(others[enough].max(axis=1), 1e-6)
    return excess


def _disjoint() -> list[NDArray[np.int64]]:
    """For each bone the indices of those that share no joint with it."""
    ends = [set(bone[:2]) for bone in BONES.values()]
    return [np.array([other for other, joints in enumerate(ends) if not joints & own]) for own in ends]
