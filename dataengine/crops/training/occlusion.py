"""Rectangles blotted out of a crop, at random or over joints, and what that does to visibility.

A joint that was visible (2) and is blotted out becomes occluded (1). It stays labelled and keeps its weight: COCO
annotators label joints they cannot see, OKS counts them, and inferring them is what the occlusion teaches.
(albumentations' CoarseDropout does not report the joints it hid, unless all of `Compose` is run with keypoints.)
"""

import numpy as np
from numpy.typing import NDArray

from dataengine.geometry.pixel_grid import pixel_of
from dataengine.keypoints import OCCLUDED, VISIBLE

HOLE_EXTENT = (0.1, 0.3)  # of a random hole, as a share of the crop's width and height
CUTOUT_EXTENT = (0.08, 0.2)  # of a hole over a joint: about a hand to a thigh
# The joint lies this far from the hole's middle at most, as a share of the hole: never at its edge.
CUTOUT_OFFSET = 0.35
MOST_HOLES, MOST_JOINTS = 2, 3

Holes = NDArray[np.int64]  # (k, 4) x0, y0, x1, y1 in crop pixels; x1 and y1 are excluded


def random_holes(rng: np.random.Generator, width_px: int, height_px: int) -> Holes:
    """One or two rectangles anywhere within the crop."""
    size = np.array([width_px, height_px])
    count = int(rng.integers(1, MOST_HOLES + 1))
    extent = np.maximum(1, (rng.uniform(*HOLE_EXTENT, (count, 2)) * size)).astype(np.int64)
    low = (rng.random((count, 2)) * (size - extent + 1)).astype(np.int64)
    return np.concatenate([low, low + extent], axis=1)


def joint_holes(
    rng: np.random.Generator,
    points_px: NDArray[np.float64],
    candidates: NDArray[np.bool_],
    width_px: int,
    height_px: int,
) -> Holes:
    """A rectangle over each of one to three of the `candidates` (17,) among the joints at `points_px` (17, 2)."""
    joints = np.flatnonzero(candidates)
    if not len(joints):
        return np.empty((0, 4), dtype=np.int64)
    chosen_joints = rng.permutation(joints)[: int(rng.integers(1, MOST_JOINTS + 1))]
    size = np.array([width_px, height_px])
    extent = np.maximum(3.0, rng.uniform(*CUTOUT_EXTENT, (len(chosen_joints), 2)) * size)
    offset = rng.uniform(-CUTOUT_OFFSET, CUTOUT_OFFSET, (len(chosen_joints), 2))
    middle = points_px[chosen_joints] + offset * extent
    low = np.clip(np.floor(middle - extent / 2 + 0.5), 0, size - 1).astype(np.int64)
    high = np.clip(np.ceil(middle + extent / 2 + 0.5), low + 1, size).astype(np.int64)
    return np.concatenate([low, high], axis=1)


def blot(crop: NDArray[np.uint8], holes: Holes, rng: np.random.Generator) -> None:
    """Fill the holes of `crop` (H, W, 3) in place: black, one colour or noise, equally often."""
    for x0, y0, x1, y1 in holes:
        kind = rng.integers(3)
        hole = crop[y0:y1, x0:x1]
        if kind == 0:
            hole[:] = 0
        elif kind == 1:
            hole[:] = rng.integers(0, 256, 3, dtype=np.uint8)
        else:
            hole[:] = rng.integers(0, 256, hole.shape, dtype=np.uint8)


def hidden(points_px: NDArray[np.float64], holes: Holes) -> NDArray[np.bool_]:
    """Which of the points (17, 2) lie in a hole."""
    pixel = pixel_of(points_px)[:, None]
    within = np.asarray(((pixel >= holes[:, :2]) & (pixel < holes[:, 2:])).all(axis=2))
    return np.asarray(within.any(axis=1))


def occluded(visibility: NDArray[np.uint8], covered: NDArray[np.bool_]) -> NDArray[np.uint8]:
    """Visibility (17,) after the joints `covered` (17,) were hidden."""
    return np.where((visibility == VISIBLE) & covered, OCCLUDED, visibility).astype(np.uint8)
