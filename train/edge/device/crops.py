"""A person's crop out of a picture in numpy, as the bundle's ONNX files cut it.

`cut` averages blocks of pixels, as many a side as the crop shrinks the picture, then samples those bilinearly at the
crop's pixel centres. Both are sums along one axis and then along the other: a product with a matrix per axis.
"""

from typing import NamedTuple

import numpy as np

FEWER = 1 - 1e-6  # of a block's size: one that rounding makes larger than whole pixels would get a sample more


class Cut(NamedTuple):
    """Brightness 0..255 (H, W, 3), float32; picture pixels in a crop pixel; the crop's middle (2,), picture pixels."""

    crop: np.ndarray
    step_px: float
    middle_px: np.ndarray


def cut(picture: np.ndarray, box_xywh_px: np.ndarray, size_px: tuple[int, int], padding: float) -> Cut:
    """The crop of `size_px` (width, height) around a box, from a picture (height, width, 3) uint8; black outside."""
    corner, extent = (np.asarray(part, dtype=np.float64) for part in (box_xywh_px[:2], box_xywh_px[2:]))
    step = float((extent * padding / size_px).max())
    middle = corner + extent / 2  # edge to edge; half a pixel less, from pixel centres
    (columns, means_x, places_x), (rows, means_y, places_y) = (
        _axis(middle[axis], step, picture.shape[1 - axis], size_px[axis]) for axis in (0, 1)
    )
    part = picture[rows, columns].astype(np.float32).transpose(2, 0, 1)
    cells = np.round(means_y @ part @ means_x.T)
    crop = np.round(places_y @ cells @ places_x.T)
    return Cut(np.ascontiguousarray(crop.transpose(1, 2, 0)), step, middle - 0.5)


def _axis(middle: float, step: float, length: int, size: int) -> tuple[slice, np.ndarray, np.ndarray]:
    """The pixels that are read along an axis, their means in cells (cells, pixels), and samples of those (size, cells).

    Cells are whole pixels but where the picture ends on both sides.
    """
    shrink = max(int(step), 1)
    reach = middle - step * size / 2, middle + step * size / 2
    low = int(np.clip(np.floor(reach[0] - 0.5) - shrink, 0, length - 1))
    high = int(np.clip(np.ceil(reach[1] - 0.5) + shrink, low + 1, length))
    number = max((high - low) // shrink, 1)
    rest = max(high - low - number * shrink, 0)  # beyond whole blocks: from a margin, not from where the picture ends
    if high < length:
        high -= rest
    elif low > 0:
        low += rest
    cell = (high - low) / number
    width = cell * FEWER
    samples = int(np.ceil(width))
    inside = (np.arange(samples) + 0.5) / samples
    # a cell before the first one and one behind the last, for samples at the edge
    averaged = low - cell - 0.5 + (np.arange(number + 2)[:, None] + inside) * width
    first, last = max(int(np.floor(averaged[0, 0])), 0), min(int(np.floor(averaged[-1, -1])) + 2, length)
    means = _linear(averaged, first, last).mean(axis=1)
    begin, end = ((edge - low) / cell + 1 for edge in reach)
    sampled = begin - 0.5 + (np.arange(size) + 0.5) * (end - begin) / size
    return slice(first, last), means.astype(np.float32), _linear(sampled, 0, number + 2).astype(np.float32)


def _linear(places: np.ndarray, first: int, last: int) -> np.ndarray:
    """Weights (..., last - first) by which values at `first` ... `last - 1` are interpolated at `places`; 0 outside."""
    return np.maximum(1 - np.abs(places[..., None] - np.arange(first, last)), 0)
