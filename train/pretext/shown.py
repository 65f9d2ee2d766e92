"""Crops as the network sees them: cut out of their border, shifted, scaled, mirrored, in another light."""

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from dataengine.crops.pixels import normalise
from dataengine.crops.spec import CropSpec

from .params import PretrainParams

GAIN, OFFSET = 0.3, 20.0  # largest change of brightness: factor less one, and grey levels


@dataclass(frozen=True, eq=False)
class Changes:
    """How n crops are shown."""

    shift: NDArray[np.float64]  # (n, 2) share of the crop's sides
    scale: NDArray[np.float64]  # (n,)
    mirrored: NDArray[np.bool_]  # (n,)
    gain: NDArray[np.float64]  # (n, 3) by channel
    offset: NDArray[np.float64]  # (n,) grey levels

    @classmethod
    def none(cls, count: int) -> "Changes":
        """Crops as they are."""
        nought = np.zeros(count)
        return cls(np.zeros((count, 2)), nought + 1, nought > 0, np.ones((count, 3)), nought)

    @classmethod
    def drawn(cls, params: PretrainParams, groups: int, size: int, rng: np.random.Generator) -> "Changes":
        """`groups` of `size` crops each: a group shares its light and its side, else these would give it away."""
        count = groups * size
        return cls(
            rng.uniform(-params.shift, params.shift, (count, 2)),
            rng.uniform(1 - params.scale, 1 + params.scale, count),
            np.repeat(rng.random(groups) < 0.5, size),
            np.repeat(rng.uniform(1 - GAIN, 1 + GAIN, (groups, 3)), size, axis=0),
            np.repeat(rng.uniform(-OFFSET, OFFSET, groups), size),
        )


def shown(bordered: NDArray[np.uint8], spec: CropSpec, changes: Changes) -> NDArray[np.float32]:
    """The network's input (n, 3, H, W) from crops (n, H', W', 3) with their border."""
    size = np.array([spec.width_px, spec.height_px])
    middle = (np.array(bordered.shape[2:0:-1]) - 1) / 2
    shown_bgr = np.empty((len(bordered), spec.height_px, spec.width_px, 3), dtype=np.uint8)
    for row, crop in enumerate(bordered):
        scale, flip = changes.scale[row], -1.0 if changes.mirrored[row] else 1.0
        matrix = np.array([[flip * scale, 0.0, 0.0], [0.0, scale, 0.0]])
        matrix[:, 2] = (size - 1) / 2 + changes.shift[row] * size - matrix[:, :2] @ middle
        warped = cv2.warpAffine(crop, matrix, tuple(size.tolist()), flags=cv2.INTER_LINEAR)
        shown_bgr[row] = np.clip(warped * changes.gain[row] + changes.offset[row], 0, 255)
    return normalise(shown_bgr)
