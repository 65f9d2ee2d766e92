"""Whether a picture came out as it was asked for: enough of the person in sight, and the pose that was given.

Another body, a jittered pose and view, the frame's edge and things in the way all change what is seen; where too much
has changed, the picture does not show the rare pose that it was made for.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dataengine.keypoints import VISIBLE

from .params import LikeParams

HIDDEN, OTHER_POSE = "too few joints are in sight", "the pose is another one than asked"
_LIMBS = slice(5, 17)  # shoulders to ankles


def unlike(entry: dict[str, Any], people: Sequence[dict[str, Any]], like: LikeParams) -> str:
    """Why the picture of `entry` (of fits.json) with the records `people` is not as asked; "" where it is."""
    if not people or _in_sight(people[0]) < like.least_in_sight:
        return HIDDEN
    asked = np.asarray(entry["keypoints_off_middle_px"], dtype=np.float64)[_LIMBS]
    return OTHER_POSE if pose_distance(asked, projected(people[0])[_LIMBS]) > like.most_off_share else ""


def pose_distance(asked: NDArray[np.float64], shown: NDArray[np.float64]) -> float:
    """Mean distance of the joints `shown` (k, 2) from those `asked` (k, 2), as a share of the asked ones' extent.

    After the shift and the scale that bring them nearest (least squares); not turned, since lying down is another pose.
    """
    a, b = asked - asked.mean(axis=0), shown - shown.mean(axis=0)
    scale = max(0.0, float((a * b).sum())) / max(float((b * b).sum()), 1e-12)
    extent = float(np.ptp(asked, axis=0).max())
    return float(np.linalg.norm(a - scale * b, axis=1).mean() / max(extent, 1e-12))


def projected(person: dict[str, Any]) -> NDArray[np.float64]:
    """All joints (17, 2), px, wherever the frame ends."""
    rays = np.asarray(person["keypoints_cam_m"]) @ np.asarray(person["K"]).T
    return np.asarray(rays[:, :2] / np.maximum(rays[:, 2:], 1e-6), dtype=np.float64)


def _in_sight(person: dict[str, Any]) -> int:
    return int((np.asarray(person["visibility"])[_LIMBS] == VISIBLE).sum())
