"""Arithmetic on learning curves: measurements `ap` (k,) at rising numbers of `labels` (k,).

`area` is a curve as one number, `labels_to_reach` what an AP costs, `stop_at` where one would have stopped.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from dataengine.studies.seed_spread import SeedMean, seed_means

from ..forecast.learning_curve import LEAST_POINTS, forecast_ap


def area(labels: Sequence[int], ap: Sequence[float]) -> float:
    """Area under the curve over the range of labels: the mean AP on the way, by the trapezoidal rule.

    >>> round(area([200, 400, 800], [0.1, 0.2, 0.2]), 4)
    0.1833
    """
    if len(labels) < 2:
        raise ValueError("an area takes two points")
    x, y = np.array(labels, dtype=np.float64), np.array(ap)
    return float((np.diff(x) * (y[1:] + y[:-1]) / 2).sum() / (x[-1] - x[0]))


def labels_to_reach(labels: Sequence[int], ap: Sequence[float], target: float) -> float | None:
    """How many labels the curve needs to come to `target` for the first time, straight lines between measurements.

    The first number where it starts there; None where it never comes there. A curve that scatters passes the target by
    luck, too, and the earlier the more it scatters: compare with what the same sum says of a curve's own end.

    >>> labels_to_reach([200, 400, 800], [0.1, 0.2, 0.4], 0.3)
    600.0
    """
    for place, value in enumerate(ap):
        if value < target:
            continue
        if not place:
            return float(labels[0])
        share = (target - ap[place - 1]) / (value - ap[place - 1])
        return float(labels[place - 1] + share * (labels[place] - labels[place - 1]))
    return None


def stop_at(labels: Sequence[int], ap: Sequence[float], least_gain: float) -> int | None:
    """Place of the first measurement after which the next step, as long as the last one, is not worth its labels.

    That is where the forecast from the measurements so far says that the curve rises by less than `least_gain`. None
    where it says so at none; the last one is asked, too.
    """
    for place in range(LEAST_POINTS - 1, len(labels)):
        so_far, step = labels[: place + 1], labels[place] - labels[place - 1]
        if forecast_ap(so_far, ap[: place + 1], step).gain < least_gain:
            return place
    return None


def paired_difference(own: Sequence[float], other: Sequence[float]) -> SeedMean:
    """Mean of the differences seed by seed, with Student's interval of these differences alone.

    Not pooled over rules, because all are compared with the same `other`.
    """
    return seed_means({"": [a - b for a, b in zip(own, other, strict=True)]})[""]
