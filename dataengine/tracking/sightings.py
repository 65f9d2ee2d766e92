"""The people of one frame as a tracker sees them."""

from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from dataengine.keypoints import COCO_KEYPOINTS, COCO_SKELETON

LIMBS = tuple(
    edge
    for edge in COCO_SKELETON
    if all(COCO_KEYPOINTS[joint].split("_")[-1] not in ("nose", "eye", "ear") for joint in edge)
)
"""Pairs of joints, without the face."""
PATCH = 0.02  # of a person's size: the half side of the square that shows a limb's colour


@dataclass(frozen=True, eq=False)
class Sightings:
    """n people in one frame."""

    time_s: float
    keypoints_px: NDArray[np.float64]
    """(n, 17, 2)"""
    confidence: NDArray[np.float64]
    """(n, 17) 0..1"""
    boxes_xywh_px: NDArray[np.float64]
    """(n, 4)"""
    score: NDArray[np.float64]
    """(n,) of the box, 0..1"""
    colours: NDArray[np.float64]
    """(n, limbs, 3) mean colour about the middle of each limb, 0..1; NaN where the picture does not show it."""

    def __len__(self) -> int:
        return len(self.score)

    def take(self, rows: NDArray[np.bool_] | NDArray[np.int64]) -> "Sightings":
        """Some of the people."""
        return Sightings(
            self.time_s,
            self.keypoints_px[rows],
            self.confidence[rows],
            self.boxes_xywh_px[rows],
            self.score[rows],
            self.colours[rows],
        )


class Tracker(Protocol):
    """Gives everybody in a film an identity, one frame after the other."""

    def __call__(self, seen: Sightings, image_bgr: NDArray[np.uint8] | None) -> NDArray[np.int64]:
        """Track ids (n,) of the people in the next frame; -1 for somebody whom it does not follow."""


def limb_colours(
    image_bgr: NDArray[np.uint8], keypoints_px: NDArray[np.floating], size_px: NDArray[np.floating]
) -> NDArray[np.float64]:
    """Colours (n, limbs, 3) 0..1 about the middles of the limbs of poses (n, 17, 2), of people of `size_px` (n,)."""
    height, width = image_bgr.shape[:2]
    colours = np.full((len(keypoints_px), len(LIMBS), 3), np.nan)
    for row, (points, size) in enumerate(zip(keypoints_px, size_px, strict=True)):
        half = max(1, round(PATCH * float(size)))
        for number, (a, b) in enumerate(LIMBS):
            x, y = np.round((points[a] + points[b]) / 2).astype(int)
            patch = image_bgr[max(y - half, 0) : max(y + half + 1, 0), max(x - half, 0) : max(x + half + 1, 0)]
            if x + half >= 0 and y + half >= 0 and x - half < width and y - half < height and patch.size:
                colours[row, number] = patch.reshape(-1, 3).mean(axis=0) / 255
    return colours


def person_sizes(boxes_xywh_px: NDArray[np.floating]) -> NDArray[np.float64]:
    """Sizes (n,) in pixels: the roots of the boxes' areas, at least 1."""
    return np.sqrt(np.maximum(boxes_xywh_px[:, 2:].astype(np.float64).prod(axis=1), 1.0))
