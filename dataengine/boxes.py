"""Boxes as x, y, width, height in pixels, from edge to edge: overlap, clipping to the image, the box around a pose.

`box_iou` compares boxes row by row, `pairwise_iou` each with each; `clip_boxes` cuts them to their images;
`box_from_keypoints` is the rule by which a box is drawn around a pose.
"""

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from dataengine.geometry.pixel_grid import to_corner
from dataengine.keypoints import UNLABELLED

Boxes = NDArray[np.floating[Any]]
# The joints end at eyes and ankles, the body does not: by the median on 228 rendered people and on 12 of COCO's,
# the box of a mask is 1.24 times as wide and as high as the joints' extent.
BODY_MARGIN = 0.12
THINNEST = 0.25  # where joints are thinner than this, the box of a rendered mask is about 0.3 of its length wide


def box_iou(a_xywh: Boxes, b_xywh: Boxes) -> NDArray[np.float64]:
    """Intersection over union (...) of boxes (..., 4) with those in the same place; leading axes broadcast.

    A negative side counts as 0, and an empty box overlaps nothing, not even itself.

    >>> box_iou(np.array([0.0, 0.0, 2.0, 1.0]), np.array([[1.0, 0.0, 2.0, 1.0], [5.0, 5.0, 1.0, 1.0]])).round(3)
    array([0.333, 0.   ])
    """
    a, b = np.asarray(a_xywh, dtype=np.float64), np.asarray(b_xywh, dtype=np.float64)
    a_size, b_size = np.maximum(a[..., 2:], 0), np.maximum(b[..., 2:], 0)
    low, high = np.maximum(a[..., :2], b[..., :2]), np.minimum(a[..., :2] + a_size, b[..., :2] + b_size)
    shared = np.maximum(high - low, 0).prod(axis=-1)
    union = a_size.prod(axis=-1) + b_size.prod(axis=-1) - shared
    return np.divide(shared, union, out=np.zeros_like(shared), where=union > 0)


def pairwise_iou(a_xywh: Boxes, b_xywh: Boxes) -> NDArray[np.float64]:
    """Intersection over union (n, m) of each of the boxes (n, 4) with each of (m, 4)."""
    return box_iou(a_xywh[:, None], b_xywh[None])


def clip_boxes(boxes_xywh_px: Boxes, size_px: ArrayLike, *, least_px: int = 0) -> NDArray[np.float64]:
    """Boxes (..., 4) cut to images of (width, height) `size_px` (..., 2).

    What lies outside its image becomes an empty box on the border, or one of `least_px` inside it.
    """
    size = np.asarray(size_px)
    low = np.clip(boxes_xywh_px[..., :2], 0, size - least_px)
    high = np.clip(boxes_xywh_px[..., :2] + boxes_xywh_px[..., 2:], low + least_px, size)
    return np.concatenate([low, high - low], axis=-1).astype(np.float64, copy=False)


def box_from_keypoints(
    keypoints_px: NDArray[np.floating[Any]], visibility: NDArray[np.integer[Any]], margin: float = BODY_MARGIN
) -> NDArray[np.float32]:
    """The person's box (n, 4) xywh where only joints are known: their extent, each side grown by `margin` of it.

    One rule for every source without boxes of its own. The shorter side counts as at least `THINNEST` of the longer:
    the joints of a person seen from the side lie on a line, the body does not. A person with no labelled joint gets an
    empty box at the origin. Boxes are not cut to the image.
    """
    labelled = (np.asarray(visibility) > UNLABELLED)[..., None]
    points = to_corner(keypoints_px)
    low = np.where(labelled, points, np.inf).min(axis=1)
    high = np.where(labelled, points, -np.inf).max(axis=1)
    some = np.asarray(labelled.any(axis=(1, 2)))[:, None]
    low, high = np.where(some, low, 0.0), np.where(some, high, 0.0)
    size = np.maximum(high - low, THINNEST * (high - low).max(axis=1, keepdims=True, initial=0.0))
    low, size = (low + high - size) / 2 - margin * size, size * (1 + 2 * margin)
    return np.concatenate([low, size], axis=1).astype(np.float32)
