"""Small motions of a made body, for tests."""

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from dataengine.lifting.motions import Motions, motions_of
from dataengine.lifting.observed import RayTrack
from dataengine.lifting.params import LifterParams

# A standing person who faces -y: x left, z up, metres, order of COCO_KEYPOINTS
STANDING = np.array(
    [(0, -0.12, 1.6), (0.03, -0.1, 1.65), (-0.03, -0.1, 1.65), (0.08, 0, 1.62), (-0.08, 0, 1.62)]
    + [(side * x, y, z) for x, y, z in ((0.2, 0, 1.4), (0.35, 0.05, 1.15), (0.4, -0.1, 0.95)) for side in (1, -1)]
    + [(side * x, y, z) for x, y, z in ((0.11, 0, 0.9), (0.12, -0.02, 0.5), (0.12, 0, 0.08)) for side in (1, -1)]
)
SMALL = LifterParams(filter_widths=(3, 3), channels=16, steps=6, batch=8, dropout=0.0)


def swaying(count: int = 4, frames: int = 30, fps: float = 20.0) -> Motions:
    """People of several sizes who move their arms and walk."""
    time_s = np.arange(frames) / fps
    moved = []
    for number in range(count):
        joints = np.tile(STANDING * (0.9 + 0.05 * number), (frames, 1, 1))
        joints[:, 7:11, 2] += 0.3 * np.sin(2 * time_s + number)[:, None]
        joints[..., 0] += 0.5 * time_s[:, None]
        moved.append(joints)
    return motions_of([f"sway{number}" for number in range(count)], moved, fps)


def seen_track(frames: int = 20, fps: float = 10.0, depth_m: float = 4.0) -> tuple[RayTrack, NDArray[np.float64]]:
    """A person straight ahead, without errors; and its joints (f, 17, 3) in the camera's frame."""
    world = swaying(1, frames, fps).joints_m.astype(np.float64)
    camera = np.stack([-world[..., 0], 0.9 - world[..., 2], world[..., 1] + depth_m], axis=-1)
    return RayTrack(np.arange(frames) / fps, camera[..., :2] / camera[..., 2:], np.ones((frames, 17))), camera


def small(**changes: object) -> LifterParams:
    """`SMALL` with other values."""
    return replace(SMALL, **changes)  # type: ignore[arg-type]
