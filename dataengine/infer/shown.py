"""What flows from step to step: a picture, then the same with its people."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from dataengine.people import People


@dataclass(frozen=True, eq=False)
class Shown:
    """One picture of a source."""

    index: int
    """0-based: the frame of a film or a camera, the number of a picture of a folder."""
    name: str
    """Its path in what is written."""
    time_s: float
    """When it is shown; NaN for a picture of its own."""
    image_bgr: NDArray[np.uint8]
    """(h, w, 3), upright."""
    boxes_xywh_px: NDArray[np.float64] | None = None
    """(n, 4) of the people whom the detector found; None where it was not asked."""


@dataclass(frozen=True, eq=False)
class Answered:
    """A picture with its people, whose image id is its index + 1."""

    shown: Shown
    people: People
