"""The value of a network's answer at a place: how likely the joint lies near there, 0..1, whatever the head.

A heatmap fitted by the mean squared error to Gaussian bumps is their expectation: at a place x, the chance that the
joint lies there, blurred by the bump. SimCC's two distributions give a density, which a bump of the same width turns
into that unit. Adding a head: a line in `_VALUES`.
"""

from collections.abc import Callable
from typing import Any

import numpy as np

from dataengine.nets.heads import Arrays, Head, Heatmap
from dataengine.nets.simcc import bin_centers_px
from dataengine.nets.simcc_heads import SimCCReading

from .hypotheses import Floats

FLOOR = 0.01  # what an answer's noise comes to: nothing is less likely than that
BUMP_PX = 2.0  # standard deviation of the bump that SimCC's density is measured by, crop pixels


def map_values(head: Head, answer: Arrays, places_px: Floats) -> Floats:
    """Values (n, 17, q) of the answer at places (n, 17, q, 2), crop pixels; `FLOOR` at least, and outside the crop."""
    for kind, values in _VALUES.items():
        if isinstance(head, kind):
            return np.asarray(np.maximum(np.nan_to_num(values(head, answer, places_px)), 0.0) + FLOOR)
    raise LookupError(f"{type(head).__name__} has no line in {__name__}")


def _heatmap(head: Heatmap, answer: Arrays, places_px: Floats) -> Floats:
    """Bilinear between cells; 0 beyond the outer ones."""
    maps = np.pad(answer[0], ((0, 0), (0, 0), (1, 1), (1, 1)))
    height, width = maps.shape[2:]
    cells = places_px / np.array(head.cell_px) + 1
    column, row = np.clip(cells[..., 0], 0, width - 1.001), np.clip(cells[..., 1], 0, height - 1.001)
    left, top = np.floor(column).astype(int), np.floor(row).astype(int)
    right, low = column - left, row - top
    person, joint = np.arange(len(maps))[:, None, None], np.arange(maps.shape[1])[None, :, None]
    above = maps[person, joint, top, left] * (1 - right) + maps[person, joint, top, left + 1] * right
    below = maps[person, joint, top + 1, left] * (1 - right) + maps[person, joint, top + 1, left + 1] * right
    return np.asarray(above * (1 - low) + below * low)


def _simcc(head: SimCCReading, answer: Arrays, places_px: Floats) -> Floats:
    """Product of both axes' densities, times the area under the bump."""
    split = head.layout.simcc_split
    per_axis = [_along(axis * split, places_px[..., i], split) for i, axis in enumerate(answer[:2])]
    return np.asarray(np.minimum(per_axis[0] * per_axis[1] * 2 * np.pi * BUMP_PX**2, 1.0))


def _along(density: Floats, places_px: Floats, split: int) -> Floats:
    """Linear between bins (n, 17, bins) at places (n, 17, q); 0 beyond the outer ones."""
    bins = density.shape[-1]
    place = (places_px - bin_centers_px(bins, split)[0]) * split
    inside = (place >= 0) & (place <= bins - 1)
    first = np.clip(np.floor(place), 0, bins - 2).astype(int)
    share = np.clip(place - first, 0, 1)
    low, high = (np.take_along_axis(density, first + step, axis=2) for step in (0, 1))
    return np.asarray(np.where(inside, low * (1 - share) + high * share, 0.0))


_VALUES: dict[type, Callable[[Any, Arrays, Floats], Floats]] = {Heatmap: _heatmap, SimCCReading: _simcc}
