"""What labels cost, and what a budget buys.

A budget is counted in images, in people, in joints or in minutes of labelling. Minutes need the seconds that a joint
takes: learnt from the times that annotation tools recorded (`dataengine.labels.labelling_time`), else a parameter.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

UNITS = ("images", "people", "keypoints", "minutes")


def image_costs(unit: str, people: NDArray[np.int64], joints: int, seconds_per_joint: float) -> NDArray[np.float64]:
    """What labelling each image costs in `unit` (c,).

    Args:
        unit: one of `UNITS`.
        people: (c,) in each image, at least 1.
        joints: labelled for a person: those that the student was taught.
        seconds_per_joint: of an annotator.
    """
    if unit == "images":
        return np.ones(len(people))
    each = {"people": 1.0, "keypoints": float(joints), "minutes": joints * seconds_per_joint / 60}[unit]
    return people.astype(np.float64) * each
