"""What a network is built for, and what is read from its answer: the two values that networks and heads share."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dataengine.keypoints import COCO_KEYPOINTS

Arrays = tuple[NDArray[Any], ...]
HEATMAP_STRIDE = 4  # crop pixels in a heatmap cell, as in SimpleBaseline and HRNet


@dataclass(frozen=True)
class Layout:
    """Size of the crop that goes in, and how finely places come out."""

    input_width_px: int = 128
    input_height_px: int = 128
    keypoints: int = len(COCO_KEYPOINTS)
    simcc_split: int = 2
    """Bins per crop pixel of a SimCC head."""


@dataclass(frozen=True, eq=False)
class Decoded:
    """What a network's answer says of the joints of n persons, in crop pixels."""

    keypoints_px: NDArray[np.float64]  # (n, 17, 2)
    confidence: NDArray[np.float64]  # (n, 17) how sure the network is that the joint is near the place given, 0..1
    spread_px: NDArray[np.float64]  # (n, 17) standard deviation of the predicted distribution, both axes together
    entropy: NDArray[np.float64]  # (n, 17) entropy of that distribution over that of not knowing at all, 0..1
    is_calibrated: bool = False  # whether `confidence` has been read off the model's curves, as some files do inside
