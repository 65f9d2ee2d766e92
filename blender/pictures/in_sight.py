"""Whether anybody can be seen in a picture: one in which nobody can teaches nothing, and its labels are wrong."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dataengine.keypoints import VISIBLE

NOBODY = "nobody can be seen"
LEAST_CONTRAST = 16.0  # of 255; the faintest of 3,320 rendered pictures had 34
_TAILS = (5, 95)  # percentiles, so that a few stray pixels give a black picture no contrast


def nobody_seen(image_bgr: NDArray[np.uint8], people: Sequence[dict[str, Any]]) -> str:
    """`NOBODY` unless one of `people` has a visible joint and contrast in their box; "" otherwise.

    `people` are records of `ground_truth.annotate`; the image is (height, width, 3). Contrast is the distance between
    the darkest and the brightest twentieth of the grey values: next to nothing in the dark and in glare.
    """
    return "" if any(_is_seen(image_bgr, person) for person in people) else NOBODY


def _is_seen(image_bgr: NDArray[np.uint8], person: dict[str, Any]) -> bool:
    if VISIBLE not in person["visibility"]:
        return False
    x, y, width, height = (int(value) for value in person["bbox_xywh_px"])
    within = image_bgr[y : y + height, x : x + width]
    dark, bright = np.percentile(within.mean(axis=2), _TAILS)
    return bool(bright - dark >= LEAST_CONTRAST)
