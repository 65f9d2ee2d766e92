"""Where a person lies among all persons: pose and appearance as one vector, for distances between candidates."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from .uncertainty import person_scale_px

Floats = NDArray[np.floating[Any]]


def pose_vectors(keypoints_px: Floats, bbox_xywh_px: Floats) -> NDArray[np.float64]:
    """Keypoints (n, j, 2) relative to the box's centre, in units of the person's size, flat: (n, 2 j)."""
    boxes = np.asarray(bbox_xywh_px, dtype=np.float64)
    centre = boxes[:, None, :2] + boxes[:, None, 2:] / 2
    relative = (np.asarray(keypoints_px, dtype=np.float64) - centre) / person_scale_px(boxes)[:, None, None]
    return relative.reshape(len(boxes), -1)


def joint_embedding(pose: Floats, appearance: Floats, appearance_weight: float) -> NDArray[np.float64]:
    """Pose (n, p) and appearance (n, a) side by side: (n, p + a).

    Each block is centred and scaled to a mean squared length of 1, so that `appearance_weight`, 0 to 1,
    is the share of the squared distance that appearance has on average.
    """
    parts = [_unit_block(pose) * np.sqrt(1 - appearance_weight), _unit_block(appearance) * np.sqrt(appearance_weight)]
    return np.concatenate(parts, axis=1)


def _unit_block(block: Floats) -> NDArray[np.float64]:
    centred = np.asarray(block, dtype=np.float64)
    centred = centred - centred.mean(axis=0)
    length = np.sqrt((centred**2).sum(axis=1).mean())
    return centred / length if length > 0 else centred
