"""What the labels say of themselves: bones that are too long, and poses that nobody else takes.

Both are given for the labels and for what they are compared with, so that evidence is a difference. How rare a pose is:
the mean log distance to its nearest poses among people of other folds, in the space of `poses.embedding`. By k nearest
neighbours the log density is minus that times the number of dimensions (Loftsgaarden and Quesenberry, Annals of
Mathematical Statistics 36, 1965); the number is left to the weights of `odds.py`.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from dataengine.keypoints import BODY_KEYPOINTS, COCO_KEYPOINTS, UNLABELLED
from dataengine.mistakes.limb_lengths import joint_excess, limb_excess
from dataengine.people import JOINTS, People
from dataengine.poses.embedding import embed_poses

from .hypotheses import Floats

NEIGHBOURS = 5
MOST_KNOWN = 4096  # poses compared with: more are thinned out
BODY = [COCO_KEYPOINTS.index(name) for name in BODY_KEYPOINTS]
_NEAREST = 1e-3  # statures: nearer than labels are exact


class PoseRarity:
    """Mean log distance to the nearest poses of other folds' people."""

    def __init__(self, people: People, fold: NDArray[np.int64], rng: np.random.Generator) -> None:
        """Take the labels as they are for what poses there are; wrong ones are rare and spread out."""
        self._fold = fold
        vectors, usable = embed_poses(people.keypoints_px, people.visibility, np.float32)
        self._known = {}
        for held_out in np.unique(fold):
            rows = np.flatnonzero(usable & (fold != held_out))
            self._known[int(held_out)] = vectors[rng.permutation(rows)[:MOST_KNOWN]]

    def of(self, keypoints_px: NDArray[np.floating[Any]], visibility: NDArray[np.uint8]) -> Floats:
        """(n,) of poses of the same people in the same order; NaN where too little is labelled."""
        from sklearn.neighbors import NearestNeighbors

        vectors, usable = embed_poses(keypoints_px, visibility, np.float32)
        rarity = np.full(len(vectors), np.nan)
        for held_out, known in self._known.items():
            rows = np.flatnonzero(usable & (self._fold == held_out))
            if len(rows) and len(known) >= NEIGHBOURS:
                nearest = NearestNeighbors(n_neighbors=NEIGHBOURS, algorithm="brute").fit(known)
                distance, _ = nearest.kneighbors(vectors[rows])
                rarity[rows] = np.log(np.maximum(distance, _NEAREST)).mean(axis=1)
        return rarity


def joint_rarity(people: People, places: Floats, rarity: PoseRarity) -> Floats:
    """(n, 17) how much rarer a pose is with a joint at its place (n, 17, 2) than without it; 0 where unknown."""
    added = np.zeros((len(people), JOINTS))
    for joint in BODY:
        points, flags = people.keypoints_px.astype(np.float64), people.visibility.copy()
        points[:, joint] = places[:, joint]
        present = rarity.of(points, flags)
        flags[:, joint] = UNLABELLED
        added[:, joint] = np.nan_to_num(present - rarity.of(points, flags))
    return added


def joint_stretch(people: People, places: Floats) -> Floats:
    """(n, 17) log excess of the worst bone at a joint that lies at its place (n, 17, 2); 0 where unknown."""
    stretch = np.zeros((len(people), JOINTS))
    for joint in BODY:
        points = people.keypoints_px.copy()
        points[:, joint] = places[:, joint]
        excess = joint_excess(people.replace(keypoints_px=points))[:, joint]
        stretch[:, joint] = np.log(np.maximum(np.nan_to_num(excess, nan=1.0), 1e-2))
    return stretch


def body_stretch(people: People) -> Floats:
    """(n,) log excess of the worst bone; 0 where too little is labelled."""
    return np.asarray(np.log(np.maximum(np.nan_to_num(limb_excess(people)[0], nan=1.0), 1e-2)))
