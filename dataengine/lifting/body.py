"""The body as the lifter sees it: its root, its bones, and a mirror."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from dataengine.keypoints import COCO_KEYPOINTS, COCO_SKELETON, FLIP_INDEX

HIPS = (COCO_KEYPOINTS.index("left_hip"), COCO_KEYPOINTS.index("right_hip"))
"""The root is half-way between them: Human3.6M's pelvis, which COCO lacks."""
_FACE = {COCO_KEYPOINTS.index(name) for name in COCO_KEYPOINTS if name.split("_")[-1] in ("nose", "eye", "ear")}
BONES: NDArray[np.int64] = np.array([edge for edge in COCO_SKELETON if not _FACE & set(edge)], dtype=np.int64)
"""(12, 2) joints at the ends of limbs and of the trunk's sides."""


def root_of(joints: NDArray[np.floating[Any]]) -> NDArray[np.floating[Any]]:
    """The root (..., 1, c) of joints (..., 17, c)."""
    return joints[..., HIPS, :].mean(axis=-2, keepdims=True)


def mirrored_joints(joints: NDArray[Any]) -> NDArray[Any]:
    """Joints (..., 17, c) in a mirror across x = 0: x changes its sign, left and right their places."""
    flipped = joints[..., FLIP_INDEX, :].copy()
    flipped[..., 0] *= -1
    return flipped


def bone_lengths(joints: NDArray[np.floating[Any]]) -> NDArray[np.floating[Any]]:
    """Lengths (..., 12) of `BONES` of joints (..., 17, c)."""
    return np.asarray(np.linalg.norm(joints[..., BONES[:, 0], :] - joints[..., BONES[:, 1], :], axis=-1))
