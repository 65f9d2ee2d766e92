"""Impossible limbs: a bone that is too long for the rest of the body.

`dataengine.mistakes.limb_lengths` measures the excess. It is suspect when it is both large in itself and far from what
is usual in the set, which lenses and label noise differ in.
"""

import numpy as np
from numpy.typing import NDArray

from dataengine.mistakes.limb_lengths import limb_excess
from dataengine.people import People
from dataengine.poses.embedding import BONES

from .person_boxes import Fault

_NAMES = tuple(BONES)


def long_limbs(people: People, *, least_excess: float, deviations: float) -> list[Fault]:
    """People whose longest limb exceeds the rest by `least_excess` and by `deviations` robust deviations of the set."""
    excess, bone = limb_excess(people)
    judged = ~np.isnan(excess)
    if not judged.any():
        return []
    limit = max(least_excess, _usual_limit(excess[judged], deviations))
    return [
        Fault(
            int(row), f"{_bone_name(bone[row])} {excess[row]:.1f} times as long as the rest allows", float(excess[row])
        )
        for row in np.flatnonzero(judged & (excess > limit))
    ]


def _usual_limit(excess: NDArray[np.float64], deviations: float) -> float:
    """Median plus `deviations` times 1.4826 median absolute deviations (normal consistent), of the logarithm."""
    logs = np.log(np.maximum(excess, 1e-6))
    middle = np.median(logs)
    return float(np.exp(middle + deviations * 1.4826 * np.median(np.abs(logs - middle))))


def _bone_name(bone: int) -> str:
    name = _NAMES[bone].replace("_", " ")
    return f"{'distance of the ' if name.endswith('s') else ''}{name}"
