"""Paired bootstrap intervals of AP, resampled by image or by cluster of images.

Neighbouring frames of a video show nearly the same picture: resampled one by one they would make an interval too
narrow. So whole clusters (`image_clusters`) are drawn (Davison & Hinkley 1997, ch. 3.8), the same ones for all models
and all slices. Where pictures belong together in two ways that cross, by camera and by time, clusters of both are drawn
and a picture counts the product of the two (the pigeonhole bootstrap: Owen 2007, Annals of Applied Statistics 1). Its
interval is at least as wide as the larger of the two that either way alone would give.
`paired_intervals` compares two models, `draw_ap` gives the raw draws of any number of models and slices.
"""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from dataengine.evaluation.analysis.interval import Interval
from dataengine.evaluation.analysis.resampled import Resampled, effective_size
from dataengine.evaluation.ap import ap_kernels
from dataengine.evaluation.ap.ap_kernels import Rows
from dataengine.evaluation.ap.matching import Matches, average_precision
from dataengine.hardware.threads import available_cores
from dataengine.terminal.progress import track

BLOCK = 100  # resamples that one thread makes at a time; fixed, so that draws do not depend on the number of cores
LONG_WORK = 200_000_000  # resamples x detections from which a bar is shown: a few seconds


@dataclass(frozen=True, eq=False)
class PairedIntervals:
    """Two models on the same images, and how much the first is better than the second."""

    first: Interval
    second: Interval
    difference: Interval  # first minus second
    gain: Resampled  # what `difference` was read from; it gives any other quantile

    @property
    def draws(self) -> NDArray[np.float64]:
        """The resampled differences (r,)."""
        return self.gain.draws


def effective_clusters(matches: Matches, clusters: NDArray[np.int64]) -> float:
    """Number of clusters of equal size that carry as much information, by the people in them: see `effective_size`.

    Of several ways (w, m) to form clusters that with the fewest, as Cameron, Gelbach & Miller do (2011, "Robust
    inference with multiway clustering"); a way that has a single one, which the draws cannot vary, is passed over.
    """
    numbers = [effective_size(np.bincount(way, weights=matches.persons)) for way in np.atleast_2d(clusters)]
    several = [number for number in numbers if number > 1]
    return min(several or numbers)


def draw_ap(
    models: Sequence[Matches],
    clusters: NDArray[np.int64],
    *,
    resamples: int,
    rng: np.random.Generator,
    threads: int | None = None,
) -> NDArray[np.float64]:
    """AP (r, k) of each of the k `models` in each of `resamples` bootstrap draws of the clusters, with replacement.

    All models are of the same images. They need not be of the same people: a slice is a model too. NaN where the drawn
    clusters hold nobody who counts.

    Args:
        models: Matches on the same images.
        clusters: (m,) cluster of each image in the order of `image_id`, or (w, m) those of w ways that cross.
        resamples: Number of draws.
        rng: Source of the draws.
        threads: Number of threads; by default as many as this process may use. The draws do not depend on it.
    """
    if any(not np.array_equal(model.image_id, models[0].image_id) for model in models):
        raise ValueError("all models must be matched on the same images")
    ways = np.atleast_2d(clusters)
    cells, cell = np.unique(ways, axis=1, return_inverse=True)  # images that are together in every way
    terms = [_terms(model, cell.reshape(-1), cells.shape[1]) for model in models]
    sizes = [min(BLOCK, resamples - first) for first in range(0, resamples, BLOCK)]

    def block(size: int, source: np.random.Generator) -> NDArray[np.float64]:
        weights = np.ones((size, cells.shape[1]), dtype=np.int32)
        for way, count in zip(cells, ways.max(axis=1) + 1, strict=True):
            drawn = np.empty((size, count), dtype=np.int32)
            ap_kernels.count_draws(source.integers(count, size=(size, count)), drawn)
            weights *= drawn[:, way]
        values = np.empty((len(models), size))
        for row, arguments in enumerate(terms):
            ap_kernels.resampled_ap(weights, *arguments, values[row])
        return values.T

    threads = threads or available_cores()
    with ThreadPoolExecutor(threads) as pool:
        blocks = pool.map(block, sizes, rng.spawn(len(sizes)))
        if resamples * sum(len(model.detection) for model in models) > LONG_WORK:
            blocks = track(blocks, "resampling", total=len(sizes), unit=f"x{BLOCK}")
        return np.concatenate([np.empty((0, len(models))), *blocks])


def interval_of(
    matches: Matches, clusters: NDArray[np.int64], *, resamples: int, level: float, rng: np.random.Generator
) -> Interval:
    """Interval of one model's AP on its own; the gate compares two models by `paired_intervals`.

    `clusters` as in `draw_ap`.
    """
    draws = draw_ap([matches], clusters, resamples=resamples, rng=rng)[:, 0]
    return Resampled.of(average_precision(matches), draws, effective_clusters(matches, clusters)).interval(level)


def paired_intervals(
    first: Matches,
    second: Matches,
    clusters: NDArray[np.int64],
    *,
    resamples: int,
    level: float,
    rng: np.random.Generator,
) -> PairedIntervals:
    """Intervals of two models' AP and of their difference, from the same draws."""
    draws = draw_ap([first, second], clusters, resamples=resamples, rng=rng)
    effective = effective_clusters(first, clusters)
    each = [Resampled.of(average_precision(m), draws[:, k], effective) for k, m in enumerate((first, second))]
    gain = Resampled.of(each[0].value - each[1].value, draws[:, 0] - draws[:, 1], effective)
    return PairedIntervals(
        first=each[0].interval(level), second=each[1].interval(level), difference=gain.interval(level), gain=gain
    )


def _terms(
    matches: Matches, clusters: NDArray[np.int64], count: int
) -> tuple[NDArray[np.int64], Rows, Rows, Rows, Rows, Rows, Rows, NDArray[np.float64]]:
    """What `ap_kernels.resampled_ap` needs of a model, by cluster instead of by image."""
    persons = np.zeros(count, dtype=np.int64)
    np.add.at(persons, clusters, matches.persons)
    return persons, *matches.terms(clusters[matches.detection_image]), matches.recall_points
