"""A figure and its bootstrap draws: the one place where draws become an interval.

Whoever resamples whole clusters (pictures, films, scenes, people) makes a `Resampled` of the figure, its draws and the
effective number of the clusters, and reads any quantile of it: the gate, which spends its error as its policy says, and
every study whose page has an interval.
"""

from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from dataengine.evaluation.analysis.interval import Interval


@dataclass(frozen=True, eq=False)
class Resampled:
    """A figure, its bootstrap draws, and the number of clusters that they were drawn from."""

    value: float
    draws: NDArray[np.float64]  # (r,)
    clusters: float  # effective number, see `effective_size`

    @classmethod
    def of(cls, value: float, draws: NDArray[np.float64], clusters: float) -> Self:
        """Leave out draws that are NaN: their clusters hold nobody who counts."""
        return cls(value, draws[~np.isnan(draws)], clusters)

    def quantile(self, probability: float) -> float:
        """The bound that the true figure lies below with `probability`, corrected for few clusters.

        The bootstrap takes the spread of n clusters for that of the population and normal tails for Student's, and so
        covers too little when n is small. The percentile is taken further out by as much as the t quantile of n - 1
        degrees times sqrt(n / (n - 1)) exceeds the normal one: the expanded percentile interval (Hesterberg 2015,
        "What teachers should know about the bootstrap", sect. 3.3). Simulated (`dataengine simulate-coverage`), the
        95 % interval of a gain holds the truth in 93 to 97 % of trials from 10 clusters on, in about 93 % at 5; without
        the correction in 89 to 93 % at 10 to 20 clusters and in 81 to 85 % at 5.
        """
        if not len(self.draws):
            return float("nan")
        if self.clusters <= 1:  # nothing is known about the spread
            return float("-inf") if probability < 0.5 else float("inf")
        return float(np.quantile(self.draws, expanded(probability, self.clusters)))

    def interval(self, level: float, *, least: float = -np.inf, most: float = np.inf) -> Interval:
        """The two-sided interval that holds the true figure with probability `level`, cut to what the figure can be.

        A share lies between 0 and 1: of a single cluster, which says nothing of others, its interval is all of that.
        """
        low, high = self.quantile((1 - level) / 2), self.quantile((1 + level) / 2)
        return Interval(self.value, max(low, least), min(high, most))


def expanded(probability: float, clusters: float) -> float:
    """Where in the draws the bound of `probability` lies, with more than one cluster: see `Resampled.quantile`."""
    spread = np.sqrt(clusters / (clusters - 1))
    return float(stats.norm.cdf(spread * stats.t.ppf(probability, clusters - 1)))


def effective_size(sizes: NDArray[Any]) -> float:
    """Number of clusters of equal size that tell as much as those of `sizes` (c,): (sum n)^2 / sum n^2; 0 of nothing.

    Kish 1965, "Survey Sampling", sect. 8.2.

    >>> effective_size(np.array([5, 5, 5])), effective_size(np.array([8, 1, 1]))
    (3.0, 1.5151515151515151)
    """
    return float(sizes.sum() ** 2 / (sizes**2).sum()) if sizes.any() else 0.0
