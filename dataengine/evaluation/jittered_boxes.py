"""Boxes as a detector might give them: AP of people who are looked for in boxes that are moved and resized at random.

Everything else here looks for people in their labelled boxes, which are drawn around the very joints that are looked
for; no detector's are. AP in jittered boxes says how much of a figure hangs on that.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from dataengine.boxes import Boxes
from dataengine.errors import ParamsError
from dataengine.params import require_seed
from dataengine.people import People


@dataclass(frozen=True)
class BoxJitter:
    """How far boxes are off; each side and axis by itself."""

    shift: float = 0.05
    """Standard deviation of the centre, as a share of the box's width and height."""
    scale: float = 0.1
    """Standard deviation of the logarithm of width and height: 0.1 is about 10 %."""
    seed: int = 0

    def __post_init__(self) -> None:
        if not (0 <= self.shift < 1 and 0 <= self.scale < 1):
            raise ParamsError("box_jitter", expected="shift and scale from 0 to below 1", got=str(self))
        require_seed(self)


def jittered_boxes(boxes_xywh_px: Boxes, jitter: BoxJitter) -> NDArray[np.float64]:
    """Boxes (n, 4), each moved and resized at random; the same seed gives the same boxes."""
    boxes = np.asarray(boxes_xywh_px, dtype=np.float64)
    draws = np.random.default_rng(jitter.seed).normal(size=(len(boxes), 4))
    centre = boxes[:, :2] + boxes[:, 2:] / 2 + jitter.shift * draws[:, :2] * boxes[:, 2:]
    size = boxes[:, 2:] * np.exp(jitter.scale * draws[:, 2:])
    return np.concatenate([centre - size / 2, size], axis=1)


def in_jittered_boxes(people: People, jitter: BoxJitter) -> People:
    """`people` to look for in jittered boxes. Compare what is found with the people as they were: the scale stays."""
    return people.replace(bbox_xywh_px=jittered_boxes(people.bbox_xywh_px, jitter).astype(np.float32))
