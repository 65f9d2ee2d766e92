"""The interval of an area under the ROC curve, from resampled people.

Joints of one person are no independent evidence, so people are drawn with replacement, and all of theirs with them.
"""

import numpy as np
from numpy.typing import NDArray

from dataengine.evaluation.analysis.interval import Interval
from dataengine.evaluation.analysis.resampled import Resampled, effective_size
from dataengine.evaluation.analysis.roc import auroc

Floats = NDArray[np.float64]
LEVEL = 0.95


def auroc_interval(
    score: Floats, positive: NDArray[np.bool_], person: NDArray[np.int64], *, resamples: int, rng: np.random.Generator
) -> Interval:
    """The area and its interval over the people that the scores belong to (n,): see `Resampled`."""
    people, whose = np.unique(person, return_inverse=True)
    drawn = np.array(
        [
            auroc(
                score,
                positive,
                rng.multinomial(len(people), np.full(len(people), 1 / len(people)))[whose].astype(float),
            )
            for _ in range(resamples)
        ]
    )
    return Resampled.of(auroc(score, positive), drawn, effective_size(np.bincount(whose))).interval(LEVEL)
