"""People of sticks who walk: known identities, limbs and colours of their own."""

import numpy as np

from dataengine.boxes import box_from_keypoints
from dataengine.people import JOINTS
from dataengine.tracking.pairs import IdentifiedFilm
from dataengine.tracking.sightings import LIMBS, Sightings

# a standing person of height 1, face to ankles
STANDING = np.array(
    [
        *((0.5, 0.05), (0.48, 0.03), (0.52, 0.03), (0.45, 0.05), (0.55, 0.05)),
        *((0.4, 0.2), (0.6, 0.2), (0.36, 0.35), (0.64, 0.35), (0.35, 0.5), (0.65, 0.5)),
        *((0.44, 0.52), (0.56, 0.52), (0.44, 0.75), (0.56, 0.75), (0.44, 0.97), (0.56, 0.97)),
    ]
)


class Walker:
    """Somebody of random build and clothes who walks at a steady pace."""

    def __init__(
        self, rng: np.random.Generator, start_px: tuple[float, float], speed_px_s: tuple[float, float]
    ) -> None:
        self._rng, self._start, self._speed = rng, np.array(start_px), np.array(speed_px_s)
        self._build = (STANDING - 0.5) * rng.uniform(0.7, 1.3, (JOINTS, 1)) * rng.uniform(80, 120)
        self._colours = rng.uniform(0, 1, (len(LIMBS), 3))

    def pose(self, time_s: float) -> np.ndarray:
        """Joints (17, 2), a pixel or two off."""
        return self._build + self._start + self._speed * time_s + self._rng.normal(0, 1, (JOINTS, 2))

    def colours(self) -> np.ndarray:
        return self._colours + self._rng.normal(0, 0.03, self._colours.shape)


def sighting(walkers: list[Walker], time_s: float) -> Sightings:
    """The walkers in a frame."""
    n = len(walkers)
    points = np.array([walker.pose(time_s) for walker in walkers]).reshape(n, JOINTS, 2)
    boxes = box_from_keypoints(points, np.ones((n, JOINTS), dtype=int)).astype(np.float64)
    colours = np.array([walker.colours() for walker in walkers]).reshape(n, len(LIMBS), 3)
    return Sightings(time_s, points, np.ones((n, JOINTS)), boxes, np.ones(n), colours)


def crossing(seed: int, frames: int = 20, hidden: tuple[int, ...] = ()) -> IdentifiedFilm:
    """Two people who walk through each other at ten frames a second; `hidden`: frames in which nobody is seen."""
    rng = np.random.default_rng(seed)
    walkers = [Walker(rng, (100, 200), (60, 5)), Walker(rng, (220, 205), (-60, -5))]
    seen = [sighting([] if frame in hidden else walkers, frame / 10) for frame in range(frames)]
    return IdentifiedFilm(seen, [np.arange(len(each)) for each in seen])
