"""Calibration: whether confidence predicts how good a pose is, or whether a joint is right.

A detection's score predicts the OKS that it will have (Gu et al., "On the Calibration of Human Pose Estimation", ICML
2024: ranking by expected OKS is what AP rewards); a joint's confidence the probability that it is right. Both are
binned by confidence: the gap between mean confidence and mean outcome, weighted by the bins' counts, is the expected
calibration error (Naeini et al., AAAI 2015; Guo et al., ICML 2017).
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from dataengine.errors import InputError
from dataengine.evaluation.ap.matching import LOCALIZED_OKS, Pairs

BINS = 10


@dataclass(frozen=True, eq=False)
class Reliability:
    """A reliability diagram of b bins of equal width over 0..1. Means of empty bins are NaN."""

    edges: NDArray[np.float64]  # (b + 1,)
    count: NDArray[np.int64]  # (b,)
    confidence: NDArray[np.float64]  # (b,) mean
    outcome: NDArray[np.float64]  # (b,) mean
    ece: float  # expected calibration error, 0..1; NaN without any sample


def reliability(
    confidence: NDArray[np.floating], outcome: NDArray[np.floating] | NDArray[np.bool_], bins: int = BINS
) -> Reliability:
    """Bin `confidence` (k,) in 0..1 and compare with `outcome` (k,) in 0..1.

    Bins include their lower edge, the last one its upper edge, too.

    Raises:
        InputError: a confidence is outside of 0..1 or not a number.

    >>> sure_of_90_percent, right_in_half = np.full(4, 0.9), np.array([True, False, True, False])
    >>> round(reliability(sure_of_90_percent, right_in_half).ece, 3)
    0.4
    """
    if not ((confidence >= 0) & (confidence <= 1)).all():
        bad = confidence[~((confidence >= 0) & (confidence <= 1))][0]
        raise InputError(
            "confidence outside 0..1", expected="a probability", got=f"{bad:g}", fix="calibrate the scores"
        )
    at = np.minimum((confidence.astype(np.float64) * bins).astype(np.int64), bins - 1)
    count = np.bincount(at, minlength=bins)
    divisor = np.where(count > 0, count, np.nan)
    means = [np.bincount(at, weights=v, minlength=bins) / divisor for v in (confidence, outcome)]
    gap = np.nansum(np.abs(means[0] - means[1]) * count)
    ece = float(gap / count.sum()) if count.any() else float("nan")
    return Reliability(np.linspace(0, 1, bins + 1), count, means[0], means[1], ece)


def score_reliability(pairs: Pairs) -> Reliability:
    """Reliability of the scores of the detections in `pairs`.

    A detection's outcome is its OKS with the person it is assigned to (best score first, as in AP; 0 for a false
    detection); those of ignored people are left out.

    Raises:
        InputError: a score is outside of 0..1.
    """
    given = pairs.assign(LOCALIZED_OKS)
    counts = ~given.is_ignored
    return reliability(pairs.detections.score[counts], given.oks[counts])
