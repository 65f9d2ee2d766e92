"""Where a person lies among all people: pose and appearance as one vector, for distances between candidates.

The pose's part is `dataengine.poses.embedding`, the same that the training set is clustered by.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.floating[Any]]


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
