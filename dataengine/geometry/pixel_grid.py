"""Where a pixel lies: the one convention of all joints in pixels, and the formulas that follow from it.

A pixel's centre has whole coordinates: the first pixel is (0, 0), and an image of width w reaches from -0.5 to w - 0.5.
COCO's keypoints are such pixel indices (detectron2's `load_coco_json` adds 0.5 to them for that reason), and so count
OpenCV's `warpAffine`, `remap` and camera model. Boxes and masks speak of edges instead, as in COCO: the whole image is
the box (0, 0, w, h), and its left edge is the joint coordinate -0.5. `from_corner` and `to_corner` pass between them.

What fails silently: half a pixel is lost wherever a coordinate is scaled (`resized`, not a multiplication), mirrored
(`mirrored`: w - 1 - x, not w - x), taken as a share of the image's size, or cut to a whole pixel (`pixel_of`).
"""

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

Points = NDArray[np.floating[Any]]  # (..., 2) x, y
HALF_PX = 0.5


def to_corner(points_px: Points) -> NDArray[np.float64]:
    """Points (..., 2) counted from the image's corner, as boxes are.

    >>> to_corner(np.array([0.0, 2.5]))
    array([0.5, 3. ])
    """
    return np.asarray(points_px, dtype=np.float64) + HALF_PX


def from_corner(points_px: Points) -> NDArray[np.float64]:
    """The inverse of `to_corner`."""
    return np.asarray(points_px, dtype=np.float64) - HALF_PX


def resized(points_px: Points, scale: ArrayLike) -> NDArray[np.float64]:
    """Points (..., 2) of an image in the same image made `scale` times as large; one number, or one for x and y.

    >>> resized(np.array([0.0, 7.0]), 0.5)  # pixels 0 and 1 become pixel 0
    array([-0.25,  3.25])
    """
    return from_corner(to_corner(points_px) * np.asarray(scale, dtype=np.float64))


def mirrored(points_px: Points, width_px: float) -> NDArray[np.float64]:
    """Points (..., 2) of an image in its mirror image; names of joints are not exchanged.

    >>> mirrored(np.array([0.0, 7.0]), 10)  # the first pixel of a row becomes the last
    array([9., 7.])
    """
    return np.asarray(points_px, dtype=np.float64) * (-1.0, 1.0) + (width_px - 1.0, 0.0)


def within(points_px: Points, size_px: ArrayLike) -> NDArray[np.bool_]:
    """Which points (..., 2) lie in images of (width, height) `size_px`.

    >>> within(np.array([[-0.5, 0.0], [9.4, 0.0], [9.5, 0.0]]), (10, 10))
    array([ True,  True, False])
    """
    corner = to_corner(points_px)
    return np.asarray(((corner >= 0) & (corner < np.asarray(size_px))).all(axis=-1))


def pixel_of(points_px: Points) -> NDArray[np.int64]:
    """Column and row (..., 2) of the pixels that hold the points."""
    return np.floor(to_corner(points_px)).astype(np.int64)
