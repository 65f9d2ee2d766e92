"""Motions as whole tracks before cameras that stand where they are drawn, seen with measured errors."""

import numpy as np

from dataengine.lifting.drawing import before_cameras
from dataengine.lifting.motions import Motions
from dataengine.lifting.observed import MeasuredErrors, RayTrack
from dataengine.lifting.params import VirtualCameras
from dataengine.lifting.rays import normalised

from .teacher_tracks import SeenTrack

DRAWN = "drawn"


def drawn_tracks(motions: Motions, errors: MeasuredErrors, cameras: VirtualCameras, seed: int) -> list[SeenTrack]:
    """Each motion once, from its first to its last frame."""
    found = []
    for number, seconds in enumerate(motions.seconds()):
        rng = np.random.default_rng([seed, number])
        time_s = np.arange(round(seconds * motions.fps) + 1) / motions.fps
        joints = motions.at(np.array([number]), time_s[None]).astype(np.float64)
        middle = len(time_s) // 2
        placed = before_cameras(joints, time_s[None] - time_s[middle], middle, cameras, rng).astype(np.float64)
        rays = placed[..., :2] / placed[..., 2:]
        off, confidence = errors.drawn(1, len(time_s), rng)
        spread = normalised(rays, np.ones(rays.shape[:3])).spread.astype(np.float64)
        track = RayTrack(time_s, (rays + off * spread[..., None, None])[0], confidence[0].astype(np.float64))
        found.append(SeenTrack(DRAWN, track, rays[0], placed[0], np.ones(rays.shape[1:3], dtype=bool)))
    return found
