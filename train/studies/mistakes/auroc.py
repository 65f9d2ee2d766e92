"""Area under the ROC curve, with an interval from resampled people.

The area is the chance that a mistake scores higher than something else, ties counting half (Mann and Whitney, 1947).
Joints of one person are no independent evidence, so people are drawn with replacement, and all of theirs with them.
"""

import numpy as np
from numpy.typing import NDArray

from dataengine.evaluation.analysis.interval import Interval

Floats = NDArray[np.float64]
LEVEL = 0.95


def auroc(score: Floats, positive: NDArray[np.bool_], weight: Floats | None = None) -> float:
    """Area for scores (n,), which of them are `positive`, and how often each counts; NaN without both kinds."""
    counts = np.ones(len(score)) if weight is None else weight
    _, place = np.unique(score, return_inverse=True)
    mistakes, others = (np.bincount(place, counts * chosen) for chosen in (positive, ~positive))
    if not mistakes.sum() or not others.sum():
        return float("nan")
    below = np.cumsum(others) - others
    return float((mistakes * (below + others / 2)).sum() / (mistakes.sum() * others.sum()))


def auroc_interval(
    score: Floats, positive: NDArray[np.bool_], person: NDArray[np.int64], *, resamples: int, rng: np.random.Generator
) -> Interval:
    """The area and its interval: percentiles over resamples of the people that the scores belong to (n,)."""
    people, whose = np.unique(person, return_inverse=True)
    drawn = [
        auroc(score, positive, rng.multinomial(len(people), np.full(len(people), 1 / len(people)))[whose].astype(float))
        for _ in range(resamples)
    ]
    low, high = np.nanpercentile(drawn, [50 * (1 - LEVEL), 50 * (1 + LEVEL)])
    return Interval(auroc(score, positive), float(low), float(high))
