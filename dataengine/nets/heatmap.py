"""Heatmaps: a joint's place as a Gaussian bump in a small image of the crop, read finer than a cell.

Two sources of bias are left out. Coordinates are unbiased after Huang et al., "The Devil is in the Details: Delving
into Unbiased Data Processing for Human Pose Estimation" (UDP), CVPR 2020: the first and last cell lie on the first and
last crop pixel, so that a mirrored heatmap is the heatmap of the mirrored crop. Places are decoded after Zhang et al.,
"Distribution-Aware Coordinate Representation for Human Pose Estimation" (DARK), CVPR 2020: around its peak the
logarithm of a Gaussian is a paraboloid, whose summit one Newton step finds.

`cell_size_px` says where cells lie, `mirror_lag_cells` where a mirrored crop's lie; `decode` reads places, `_summit` is
the Newton step.
"""

from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from dataengine.nets.layout import Decoded

Coordinates = Literal["udp", "stride"]

# Cells below this share of the peak are background: an MSE-trained map has noise everywhere, which would outweigh the
# bump in its moments because there are thousands of such cells.
BACKGROUND_SHARE = 0.05
KERNEL_REACH = 3.0  # standard deviations at which the blur is cut off
MAX_STEP_CELLS = 1.0  # a summit farther than this from the highest cell is noise
FLAT = 1e-12  # a paraboloid with a smaller determinant has no usable summit
TINY = 1e-10  # what the logarithm sees where a map is not positive


def cell_size_px(input_px: int, cells: int, coordinates: Coordinates) -> float:
    """Crop pixels from one cell to the next along an axis; cell 0 lies on crop pixel 0 either way.

    "udp" spans the axis from first to last pixel centre; "stride" is input over cells, as public HRNet files have it.
    """
    return (input_px - 1) / (cells - 1) if coordinates == "udp" else input_px / cells


def mirror_lag_cells(input_px: int, cells: int, coordinates: Coordinates) -> float:
    """How many cells the reversed map of a mirrored crop lags behind the map of the crop, 0 to 1.

    Cell i lies on crop pixel i * size, so its mirror image on (input - 1) / size - i cells, which is a whole cell only
    in unbiased coordinates. Without them the last cell, reversed, lies on crop pixel 3 and is read as 0; HRNet's
    shift by a whole cell leaves one of those 3 pixels.

    >>> mirror_lag_cells(64, 16, "udp"), mirror_lag_cells(64, 16, "stride")
    (0.0, 0.75)
    """
    return 0.0 if coordinates == "udp" else (input_px - 1) * cells / input_px - (cells - 1)


def decode(heatmaps: NDArray[np.floating[Any]], cell_px: tuple[float, float], blur_sigma: float = 2.0) -> Decoded:
    """Read heatmaps (n, k, h, w) whose cells lie `cell_px` (x, y) crop pixels apart.

    `blur_sigma` is the width, in cells, of the Gaussian that smooths a map before the Newton step (DARK uses that of
    the labels); 0 leaves it as it is. Confidence is the peak's height, cut to 0..1. Values that are not finite count
    as background; a map without a positive value has its place at its highest cell, confidence 0 and the
    spread of a uniform distribution.
    """
    maps = np.where(np.isfinite(heatmaps), heatmaps, 0.0).astype(np.float64)
    n, joints, height, width = maps.shape
    highest = maps.reshape(n, joints, -1).argmax(axis=-1)
    row, column = np.divmod(highest, width)
    peak = maps.reshape(n, joints, -1).max(axis=-1)
    place = _summit(maps, row, column, blur_sigma)
    foreground = np.where((maps >= BACKGROUND_SHARE * peak[..., None, None]) & (maps > 0), maps, 0.0)
    mass = np.where((peak > 0)[..., None, None], foreground, 1.0)
    probability = mass / mass.sum(axis=(-2, -1), keepdims=True)
    variance = [_variance(probability.sum(axis=axis)) * size**2 for axis, size in zip((-2, -1), cell_px, strict=True)]
    entropy = -(probability * np.log(np.maximum(probability, 1e-12))).sum(axis=(-2, -1)) / np.log(height * width)
    return Decoded(
        keypoints_px=place * np.array(cell_px),
        confidence=np.clip(peak, 0.0, 1.0),
        spread_px=np.sqrt(variance[0] + variance[1]),
        entropy=entropy,
    )


def _variance(probability: NDArray[np.float64]) -> NDArray[np.float64]:
    """Variance (...), in cells squared, of distributions (..., cells)."""
    cells = np.arange(probability.shape[-1])
    mean = (probability * cells).sum(axis=-1, keepdims=True)
    return np.asarray((probability * (cells - mean) ** 2).sum(axis=-1))


def _summit(
    maps: NDArray[np.float64], row: NDArray[np.int64], column: NDArray[np.int64], blur_sigma: float
) -> NDArray[np.float64]:
    """Summits (n, k, 2) as (x, y) in cells, by one Newton step on the logarithm from the highest cells."""
    height, width = maps.shape[2:]
    # For a peak on the border the step starts from the cell next to it, which has neighbours on all sides.
    middle = np.stack([np.clip(column, 1, width - 2), np.clip(row, 1, height - 2)], axis=-1)
    patch = _patches(maps, middle, blur_sigma)
    top = patch.max(axis=(-2, -1), keepdims=True)
    log = np.log(np.maximum(patch / np.where(top > 0, top, 1.0), TINY))
    slope_x, slope_y = (log[..., 1, 2] - log[..., 1, 0]) / 2, (log[..., 2, 1] - log[..., 0, 1]) / 2
    bend_x = log[..., 1, 2] - 2 * log[..., 1, 1] + log[..., 1, 0]
    bend_y = log[..., 2, 1] - 2 * log[..., 1, 1] + log[..., 0, 1]
    twist = (log[..., 2, 2] - log[..., 2, 0] - log[..., 0, 2] + log[..., 0, 0]) / 4
    determinant = bend_x * bend_y - twist**2
    is_summit = (determinant > FLAT) & (bend_x < 0)
    divisor = np.where(is_summit, determinant, 1.0)
    step_x = (twist * slope_y - bend_y * slope_x) / divisor
    step_y = (twist * slope_x - bend_x * slope_y) / divisor
    highest = np.stack([column, row], axis=-1).astype(np.float64)
    stepped = middle + np.stack([step_x, step_y], axis=-1)
    near = np.clip(stepped, highest - MAX_STEP_CELLS, highest + MAX_STEP_CELLS)
    return np.where(is_summit[..., None], near, highest)


def _patches(maps: NDArray[np.float64], middle: NDArray[np.int64], blur_sigma: float) -> NDArray[np.float64]:
    """The 3x3 cells (n, k, 3, 3) around `middle` (n, k, 2) of the blurred maps.

    Where the kernel would reach over the border, the map is taken as it is: any guess at what lies outside would
    draw the summit inwards.
    """
    reach = round(KERNEL_REACH * blur_sigma)
    size = np.array(maps.shape[3:1:-1])
    padded = np.pad(maps, ((0, 0), (0, 0), (reach, reach), (reach, reach)))
    span = np.arange(-1, 2 * reach + 2)
    place = np.indices(middle.shape[:2])
    persons, joints = place[0], place[1]
    rows, columns = middle[..., 1:2] + span, middle[..., 0:1] + span
    window = padded[persons[..., None, None], joints[..., None, None], rows[..., :, None], columns[..., None, :]]
    plain = np.asarray(window[..., reach : reach + 3, reach : reach + 3])
    if not reach:
        return plain
    band = blur_band(blur_sigma)
    inside = np.asarray(((middle - 1 - reach >= 0) & (middle + 1 + reach < size)).all(axis=-1))
    return np.where(inside[..., None, None], band @ window @ band.T, plain)


def blur_band(blur_sigma: float) -> NDArray[np.float64]:
    """The Gaussian blur of three neighbouring cells as a matrix (3, 2 reach + 3) to multiply their surroundings by."""
    reach = round(KERNEL_REACH * blur_sigma)
    kernel = np.exp(-0.5 * (np.arange(-reach, reach + 1) / blur_sigma) ** 2)
    return np.stack([np.pad(kernel / kernel.sum(), (i, 2 - i)) for i in range(3)])
