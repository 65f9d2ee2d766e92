"""How alike pictures are that belong together, measured on what a comparison asks: a model's AR, or two's difference.

`residuals` is what each picture adds to the figure. On them: `neighbour_correlation` of clusters that follow each
other, `settled`, which merges neighbours until they are alike no more, and `design_effect`, what clusters do to the
variance. `intraclass_correlation` is that of people of one unit, the number that `simulation.SimulatedSet` takes.
"""

import math

import numpy as np
from numpy.typing import NDArray

from dataengine.evaluation.analysis.image_clusters import Units
from dataengine.evaluation.ap.matching import Matches

# Standard errors of the correlation above which neighbouring groups are doubted. Chance alone does that to one small
# set in eight, and costs it half of its clusters. With 1.645 in its place the 0.995 bound of no gain on 50 pictures in
# scenes of five (pictures of a scene correlate at 0.34) lies above 0 in 2.9 % of drawn sets, with 1 in 1.4 %.
ALARM = 1.0
LEAST_CLUSTERS = 3  # so few say nothing of their neighbours' correlation


def residuals(first: Matches, second: Matches | None = None) -> NDArray[np.float64]:
    """(m,) how far each picture's people are found better than the mean, by `first`, or by `first` than by `second`.

    The sum over people of the share of OKS thresholds at which they are found, minus the mean's part: the linear terms
    of average recall (of the difference), a ratio of sums over pictures. Their squares, summed by cluster, are the
    variance of that ratio (Cochran 1977, ch. 6 and 9A). AP has no such terms, but moves with AR.
    """
    found = _found(first) if second is None else _found(first) - _found(second)
    people = float(first.persons.sum())
    return found - (found.sum() / people if people else 0.0) * first.persons


def neighbour_correlation(units: Units, residual: NDArray[np.float64]) -> float | None:
    """Correlation of the clusters' sums of `residual` (m,) with those of the next cluster of their series.

    Corrected for the mean that the residuals were taken from, which makes it too small by (1 + 3 rho) / n on n clusters
    (Marriott & Pope 1954, "Bias in the estimation of autocorrelations", Biometrika 41). None where no cluster has a
    neighbour, 1 where there are too few to tell.
    """
    plain, count, pairs = _correlation(units, residual)
    if not pairs:
        return None
    if not residual.any():  # a model against itself
        return 0.0
    return 1.0 if count <= LEAST_CLUSTERS else min((count * plain + 1) / (count - 3), 1.0)


def settled(units: Units, residual: NDArray[np.float64], limit: float) -> Units:
    """Neighbours merged, two, four, eight ... together, until their correlation is at most `limit`.

    Blocks of time are taken for dependent: what cannot be told apart from a correlation above the limit is merged, down
    to one cluster a series. Groups are taken for independent until neighbours are alike by more than `ALARM`.
    """
    plain, _, pairs = _correlation(units, residual)
    if units.kind == "group" and plain * math.sqrt(pairs) <= ALARM:
        return units
    while (correlation := neighbour_correlation(units, residual)) is not None and correlation > limit:
        units = units.merged(2 * units.block)
    return units


def design_effect(residual: NDArray[np.float64], clusters: NDArray[np.int64]) -> float | None:
    """Variance of the figure by clusters (m,) over that by pictures, as if each were alone (Kish 1965, sect. 8.2).

    None with a single cluster, or where every picture is like the mean.
    """
    alone = float(residual @ residual)
    if clusters.max(initial=0) == 0 or alone == 0:
        return None
    total = np.bincount(clusters, weights=residual)
    return float(total @ total) / alone


def intraclass_correlation(value: NDArray[np.float64], unit: NDArray[np.int64]) -> float | None:
    """Share of the variance of `value` (n,) that lies between units (n,), from the analysis of variance.

    (MSB - MSW) / (MSB + (k - 1) MSW), with k = (n - sum n_u^2 / n) / (u - 1) in units of unequal size (Donner 1986, "A
    review of inference procedures for the intraclass correlation coefficient"); negative where units differ
    less than chance would have it. None unless there are two units and one of them has two members.
    """
    size = np.bincount(np.unique(unit, return_inverse=True)[1])
    n, units = len(value), len(size)
    if units < 2 or n == units:
        return None
    mean = np.bincount(np.unique(unit, return_inverse=True)[1], weights=value) / size
    between = float(size @ (mean - value.mean()) ** 2) / (units - 1)
    within = (float(((value - value.mean()) ** 2).sum()) - between * (units - 1)) / (n - units)
    usual = (n - float(size @ size) / n) / (units - 1)
    spread = between + (usual - 1) * within
    return (between - within) / spread if spread > 0 else None


def _found(matches: Matches) -> NDArray[np.float64]:
    """(m,) sum over each picture's people of the share of thresholds at which they are found."""
    found = np.zeros(len(matches.image_id))
    np.add.at(found, matches.detection_image, matches.is_true.mean(axis=0))
    return found


def _correlation(units: Units, residual: NDArray[np.float64]) -> tuple[float, int, int]:
    """Mean product of neighbours over mean square, the number of clusters, and of pairs of neighbours."""
    clusters = units.clusters
    total = np.bincount(clusters, weights=residual)
    series = np.empty(len(total), dtype=np.int64)
    series[clusters] = units.series
    is_pair = series[:-1] == series[1:]
    pairs, square = int(is_pair.sum()), float(total @ total)
    if not pairs or square == 0:
        return 0.0, len(total), pairs
    return float(total[:-1][is_pair] @ total[1:][is_pair]) / pairs / (square / len(total)), len(total), pairs
