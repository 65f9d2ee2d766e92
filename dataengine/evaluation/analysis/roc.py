"""Area under the ROC curve, exact with ties and weights."""

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]


def auroc(score: Floats, positive: NDArray[np.bool_], weight: Floats | None = None) -> float:
    """The probability that a `positive` scores higher than another, ties counting half (Mann and Whitney, 1947).

    Of scores (n,), which may be infinite; `weight` (n,) is how often each counts. NaN without both kinds.

    >>> auroc(np.array([0.9, 0.8, 0.3, 0.3]), np.array([True, True, True, False]))
    0.8333333333333334
    """
    counts = np.ones(len(score)) if weight is None else weight
    _, place = np.unique(score, return_inverse=True)
    positives, others = (np.bincount(place, counts * chosen) for chosen in (positive, ~positive))
    if not positives.sum() or not others.sum():
        return float("nan")
    below = np.cumsum(others) - others
    return float((positives * (below + others / 2)).sum() / (positives.sum() * others.sum()))
