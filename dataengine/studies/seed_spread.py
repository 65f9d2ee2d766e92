"""Intervals of means over seeds, the spread over seeds pooled over what is compared."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

LEVEL = 0.95


def half_widths(groups: Sequence[Sequence[float]]) -> NDArray[np.float64]:
    """Half of the interval (g,) of each group's mean; NaN for all where no group has two values.

    The spread is taken to be the same in all groups and pooled, as in a one-way analysis of variance: with two or three
    seeds a group's own spread says next to nothing. Student's t with as many degrees of freedom as there are values
    beyond the first of each group. An empty group has no interval: NaN.
    """
    from scipy.stats import t

    sizes = np.array([len(group) for group in groups])
    freedom = int(np.maximum(sizes - 1, 0).sum())
    if not freedom:
        return np.full(len(sizes), np.nan)
    squares = sum(float(((np.array(group) - np.mean(group)) ** 2).sum()) for group in groups if len(group))
    scale = np.divide(squares / freedom, sizes, out=np.full(len(sizes), np.nan), where=sizes > 0)
    return np.asarray(t.ppf((1 + LEVEL) / 2, freedom) * np.sqrt(scale))
