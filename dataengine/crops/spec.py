"""The top-down crop: which part of the image the network sees, as an affine map.

`crop_matrix` makes the map, `apply_affine` and `invert_affine` carry points along it, `extract_crop` carries pixels.
Coordinates are pixel centres and boxes pixel edges, as everywhere (`dataengine.geometry.pixel_grid`): the box
(0, 0, W, H) of the whole image has its middle at ((W - 1) / 2, (H - 1) / 2).
"""

from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from dataengine.errors import InputError


@dataclass(frozen=True)
class CropSpec:
    """Size of a network's input and how much room it leaves around the person's box."""

    width_px: int = 128
    height_px: int = 128
    padding: float = 1.25
    """The crop's extent over the box's: 1.25 is the custom of top-down pose estimation since SimpleBaseline."""
    stretched: bool = False
    """Whether the box is stretched to the crop's aspect instead of grown to it."""
    fill: int = 0
    """Brightness of what lies outside the image, 0..255."""


def crop_matrix(bbox_xywh_px: NDArray[np.floating[Any]], spec: CropSpec) -> NDArray[np.float64]:
    """Maps (n, 2, 3) from image pixels to crop pixels: box centre to crop centre, aspect kept, padded.

    The box is first grown to the crop's aspect, so nothing of it is cut; a `stretched` crop takes the box as it is and
    has a scale of its own on each axis. An empty box is an `InputError`.

    >>> box = np.array([[100.0, 50.0, 64.0, 128.0]])
    >>> crop_matrix(box, CropSpec(128, 128, padding=1.0))[0]  # 1:1, for the height fills the crop
    array([[  1.,   0., -68.],
           [  0.,   1., -50.]])
    """
    box = np.asarray(bbox_xywh_px, dtype=np.float64).reshape(-1, 4)
    if (box[:, 2:] <= 0).any():
        row = int(np.argwhere((box[:, 2:] <= 0).any(axis=1))[0][0])
        raise InputError("a box is empty", expected="width and height above 0", got=f"row {row}: {box[row].tolist()}")
    center = box[:, :2] + box[:, 2:] / 2 - 0.5
    size = np.array([spec.width_px, spec.height_px], dtype=np.float64)
    scale = size / (box[:, 2:] * spec.padding)
    if not spec.stretched:
        scale[:] = scale.min(axis=1, keepdims=True)
    matrix = np.zeros((len(box), 2, 3))
    matrix[:, 0, 0], matrix[:, 1, 1] = scale[:, 0], scale[:, 1]
    matrix[:, :, 2] = (size - 1) / 2 - scale * center
    return matrix


def apply_affine(matrix: NDArray[np.floating[Any]], points: NDArray[np.floating[Any]]) -> NDArray[np.float64]:
    """Carry points (..., k, 2) along maps (..., 2, 3).

    >>> twice = np.array([[2.0, 0.0, 10.0], [0.0, 2.0, 0.0]])  # twice the size, then 10 px to the right
    >>> there = apply_affine(twice, np.array([[0.0, 0.0], [3.0, 4.0]]))
    >>> there
    array([[10.,  0.],
           [16.,  8.]])
    >>> apply_affine(invert_affine(twice), there)
    array([[0., 0.],
           [3., 4.]])
    """
    return np.asarray(points @ np.swapaxes(matrix[..., :2], -1, -2) + matrix[..., None, :, 2], dtype=np.float64)


def invert_affine(matrix: NDArray[np.floating[Any]]) -> NDArray[np.float64]:
    """The inverses (..., 2, 3) of maps (..., 2, 3)."""
    m = np.asarray(matrix, dtype=np.float64)
    # written out: LAPACK takes longer to be called than to invert two by two
    adjugate = np.stack([m[..., 1, 1], -m[..., 0, 1], -m[..., 1, 0], m[..., 0, 0]], axis=-1)
    linear = (adjugate / _determinant(m)[..., None]).reshape(*m.shape[:-2], 2, 2)
    return np.concatenate([linear, -linear @ m[..., 2:]], axis=-1)


def compose_affine(outer: NDArray[np.floating[Any]], inner: NDArray[np.floating[Any]]) -> NDArray[np.float64]:
    """The maps (..., 2, 3) that first do `inner`, then `outer`."""
    linear = outer[..., :2] @ inner[..., :2]
    shift = outer[..., :2] @ inner[..., 2:] + outer[..., 2:]
    return np.concatenate([linear, shift], axis=-1, dtype=np.float64)


def affine_scale(matrix: NDArray[np.floating[Any]]) -> NDArray[np.float64]:
    """How much maps (..., 2, 3) enlarge lengths, shape (...)."""
    return np.asarray(np.sqrt(np.abs(_determinant(np.asarray(matrix, dtype=np.float64)))))


def _determinant(matrix: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.asarray(matrix[..., 0, 0] * matrix[..., 1, 1] - matrix[..., 0, 1] * matrix[..., 1, 0])


def extract_crop(image: NDArray[np.uint8], matrix: NDArray[np.float64], spec: CropSpec) -> NDArray[np.uint8]:
    """The pixels (height, width, channels) that `matrix` (2, 3) maps into the crop; outside the image is `fill`.

    Shrinking by more than two first averages blocks of pixels, because bilinear sampling alone would alias.
    """
    shrink = int(1 / affine_scale(matrix))
    if shrink >= 2:
        image, matrix = _shrunk_region(image, matrix, spec, shrink)
    size = (spec.width_px, spec.height_px)
    fill = (spec.fill,) * 3
    return np.asarray(cv2.warpAffine(image, matrix, size, flags=cv2.INTER_LINEAR, borderValue=fill), dtype=np.uint8)


def _shrunk_region(
    image: NDArray[np.uint8], matrix: NDArray[np.float64], spec: CropSpec, shrink: int
) -> tuple[NDArray[np.uint8], NDArray[np.float64]]:
    """The part of the image that the crop needs, `shrink` times smaller, and the map from it to the crop."""
    corners = np.array([[0, 0], [spec.width_px, 0], [0, spec.height_px], [spec.width_px, spec.height_px]]) - 0.5
    reach = apply_affine(invert_affine(matrix), corners)
    limit = np.array(image.shape[1::-1])
    low = np.clip(np.floor(reach.min(axis=0)).astype(int) - shrink, 0, limit - 1)
    high = np.clip(np.ceil(reach.max(axis=0)).astype(int) + shrink, low + 1, limit)
    size = np.maximum((high - low) // shrink, 1)
    # whole blocks are averaged three times as fast as blocks with a fraction: what is left over goes from a margin
    rest = np.maximum(high - low - size * shrink, 0)
    low, high = np.where((high == limit) & (low > 0), low + rest, low), np.where(high < limit, high - rest, high)
    part = image[low[1] : high[1], low[0] : high[0]]
    small = np.asarray(cv2.resize(part, (int(size[0]), int(size[1])), interpolation=cv2.INTER_AREA), dtype=np.uint8)
    factor = (high - low) / size  # image pixels in one small pixel
    image_from_small = np.array(
        [[factor[0], 0, (factor[0] - 1) / 2 + low[0]], [0, factor[1], (factor[1] - 1) / 2 + low[1]]]
    )
    return small, compose_affine(matrix, image_from_small)
