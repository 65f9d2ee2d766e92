"""Between two poses of one body: every bone turns, relative to its parent, along the shortest path.

Turning relative to the parent keeps the path between two poses within what joints can do; turning in the world would
not. Source of the interpolation: Shoemake, "Animating rotation with quaternion curves", SIGGRAPH 1985, here as rotation
vectors.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from scipy.spatial.transform import Rotation


def blend(
    first: NDArray[np.float64], second: NDArray[np.float64], parents: Sequence[int], share: float
) -> NDArray[np.float64]:
    """World orientations (bones, 3, 3) at `share` of the way from `first` to `second`, both (bones, 3, 3).

    `parents` holds each bone's parent, -1 for the root, parents before children.
    """
    start = against_parent(first, parents)
    way = Rotation.from_matrix(start.transpose(0, 2, 1) @ against_parent(second, parents)).as_rotvec()
    local = start @ Rotation.from_rotvec(share * way).as_matrix()
    world = np.empty_like(local)
    for bone, parent in enumerate(parents):
        world[bone] = world[parent] @ local[bone] if parent >= 0 else local[bone]
    return world


def against_parent(world: NDArray[np.float64], parents: Sequence[int]) -> NDArray[np.float64]:
    """Every bone's orientation in its parent's frame (bones, 3, 3); the root's stays in the world's."""
    above = np.array([world[parent] if parent >= 0 else np.eye(3) for parent in parents])
    return above.transpose(0, 2, 1) @ world


def eased(share: float) -> float:
    """Ease in and out: Hermite's cubic, 0 at 0 and 1 at 1."""
    return share * share * (3 - 2 * share)
