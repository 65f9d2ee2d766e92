"""Heatmaps and SimCC axes of foreign networks to cells: the decoders that public code has."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from dataengine.adopted.contract import Decode
from dataengine.nets import heatmap, simcc

QUARTER = 0.25  # cells towards the higher neighbour, as SimpleBaseline's `get_final_preds`
Floats = NDArray[np.floating[Any]]


def read_heatmaps(maps: Floats, decode: Decode) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Places (b, k, 2) as x and y in cells, and the height (b, k) of the peak, of maps (b, k, h, w)."""
    finite = np.where(np.isfinite(maps), maps, 0.0).astype(np.float64)
    height, width = finite.shape[2:]
    flat = finite.reshape(*finite.shape[:2], -1)
    peak = flat.max(axis=-1)
    row, column = np.divmod(flat.argmax(axis=-1), width)
    if decode == "dark" and min(height, width) >= 3:
        return heatmap.decode(finite, (1.0, 1.0)).keypoints_px, peak
    cells = np.stack([column, row], axis=-1).astype(np.float64)
    if decode == "quarter":
        cells += QUARTER * np.stack([_slope(finite, row, column, axis=axis) for axis in (3, 2)], axis=-1)
    return cells, peak


def read_axis(values: Floats, decode: Decode, split: float = 1.0) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Places (b, k) in bins and a confidence (b, k) of one SimCC axis (b, k, bins).

    "argmax": the highest bin and its value. "mean": of the softmax, as `nets.simcc` reads it, with `split` bins for
    each pixel of the input.
    """
    finite = np.where(np.isfinite(values), values, -np.inf).astype(np.float64)
    finite[~np.isfinite(finite).any(axis=-1)] = 0.0
    if decode == "argmax":
        return finite.argmax(axis=-1).astype(np.float64), finite.max(axis=-1)
    probability = simcc.softmax(finite)
    decoded = simcc.decode(probability, probability, split)
    return (decoded.keypoints_px[..., 0] + 0.5) * split - 0.5, np.sqrt(
        decoded.confidence
    )  # both axes alike: the root of their product


def _slope(maps: Floats, row: NDArray[np.int64], column: NDArray[np.int64], *, axis: int) -> NDArray[np.float64]:
    """Which neighbour (b, k) of the peak along an axis is higher: -1, 0 or 1; 0 on the border."""
    batch, joint = np.indices(row.shape)
    here = row if axis == 2 else column
    inside = (here > 0) & (here < maps.shape[axis] - 1)

    def neighbour(step: int) -> Any:
        moved = np.clip(here + step, 0, maps.shape[axis] - 1)
        return maps[batch, joint, moved, column] if axis == 2 else maps[batch, joint, row, moved]

    return np.asarray(np.where(inside, np.sign(neighbour(1) - neighbour(-1)), 0.0))
