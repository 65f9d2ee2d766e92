"""A forecast of AP from a few points of a learning curve: all curves of a family, each by how well it fits.

The family. AP rises with the number of labels n by a power law (Hestness et al. 2017; Mahmood et al., "How Much More
Data Do I Need?", CVPR 2022), written by what can be told from few points:

    AP(n) = first + gain * h(n),  h(n) = (1 - (n / n_first)^-c) / (1 - 2^-c),

with `gain` the AP that the first doubling of labels brings, 0 or more, and c how soon it flattens: at -1 every label
brings as much, at 0 every doubling (h is then a logarithm), at 2 nearly all comes with the first. What is measured
scatters about the curve by sigma. PALM (Machnio et al., ICCV 2025) has a stretched exponential for the same shapes, of
four parameters, which takes four points to begin with; here are three, and none is fitted to a value: every combination
of a grid counts by its posterior probability. So two points leave a wide interval, which narrows as points come in.

The priors are wide: `first` may be anything, c is even over its range, sigma over the logarithm of its own, `gain` is
half a normal distribution. Given c, gain and sigma, `first` is averaged out exactly, and the next measurement has a
normal distribution; the forecast is the mixture of these, of which quantiles are read.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtr

LEVEL = 0.8
"""Probability that the interval of a forecast holds the next measurement."""
LEAST_POINTS = 2
"""Different numbers of labels from which there is a forecast."""
GAIN_SCALE = 0.15
"""AP for a doubling of labels: the scale of the half normal prior. Of more than twice this nobody reports."""
_EXPONENTS = np.linspace(-1, 2, 18)  # 0, where the formula has none, is not among them
_SIGMAS = np.geomspace(0.002, 0.03, 8)
"""AP by which fits on the same labels scatter: from a long fit and a large test set to a short and a small one."""
_ROOTS = (np.arange(200) + 0.5) / 200
_GAINS = 4 * GAIN_SCALE * _ROOTS**2  # dense near 0, where curves end up
_GAIN_PRIOR = _ROOTS * np.exp(-0.5 * (_GAINS / GAIN_SCALE) ** 2)  # times the width of the step
_LEAST_SHARE = 1e-8  # combinations that are less likely than the likeliest by this count for nothing
_HALVINGS = 30


@dataclass(frozen=True)
class Forecast:
    """What the next measurement will be."""

    labels: int
    """With how many in all."""
    ap: float
    """The median: half of the probability lies below."""
    low: float
    """Lower end of the interval of probability `LEVEL`, with as much below as above it."""
    high: float
    gain: float
    """Median of how much higher the curve lies than at the labels there are; scatter is not in it."""


def forecast_ap(labels: Sequence[int], ap: Sequence[float], more: int) -> Forecast:
    """AP after `more` labels.

    Args:
        labels: how many each measurement was made with, above 0, in any order; a number may repeat.
        ap: the measurements, 0..1.
        more: labels to come, above 0, on top of the largest number.

    Raises:
        ValueError: there are fewer than `LEAST_POINTS` different numbers of labels, or one is not above 0.

    >>> after = forecast_ap([200, 400, 800], [0.30, 0.34, 0.37], more=400)
    >>> print(f"{after.labels}: {after.ap:.3f} ({after.low:.3f} to {after.high:.3f}), gain {after.gain:.3f}")
    1200: 0.383 (0.363 to 0.403), gain 0.012
    """
    if len(labels) != len(ap) or len(set(labels)) < LEAST_POINTS or min(labels) < 1 or more < 1:
        raise ValueError(f"a forecast takes {LEAST_POINTS} different numbers of labels above 0, and more of them")
    return _forecast(tuple(labels), tuple(ap), more)


@lru_cache(maxsize=4096)
def _forecast(labels: tuple[int, ...], ap: tuple[float, ...], more: int) -> Forecast:
    most = max(labels)
    known, now, then = (_rise(np.array(n), min(labels)) for n in (labels, [most], [most + more]))  # (c, k), (c, 1)
    measured, count = np.array(ap), len(ap)
    # (c, g, k): what is left of each measurement once the rise is taken off
    left = measured - _GAINS[None, :, None] * known[:, None, :]
    first = left.mean(axis=2)
    squares = ((left - first[:, :, None]) ** 2).sum(axis=2)
    # (c, g, s): the likelihood, `first` averaged out
    log_likelihood = -squares[:, :, None] / (2 * _SIGMAS**2) - (count - 1) * np.log(_SIGMAS)
    weight = np.exp(log_likelihood - log_likelihood.max()) * _GAIN_PRIOR[None, :, None]
    kept = np.nonzero(weight > _LEAST_SHARE * weight.max())
    weight = weight[kept] / weight[kept].sum()
    mean = (first + _GAINS * then)[kept[:2]]
    spread = _SIGMAS[kept[2]] * np.sqrt(1 + 1 / count)
    low, median, high = (_quantile(weight, mean, spread, p) for p in ((1 - LEVEL) / 2, 0.5, (1 + LEVEL) / 2))
    gains = (_GAINS * (then - now))[kept[:2]]
    order = np.argsort(gains)
    place = int(np.searchsorted(np.cumsum(weight[order]), 0.5))
    gain = float(gains[order[min(place, len(order) - 1)]])
    return Forecast(most + more, median, low, high, gain)


def _rise(labels: NDArray[np.int64], first: int) -> NDArray[np.float64]:
    """h (c, k) of numbers of labels (k,): 0 at `first`, 1 at twice that."""
    c = _EXPONENTS[:, None]
    return np.asarray((1 - (labels / first) ** -c) / (1 - 2**-c))


def _quantile(
    weight: NDArray[np.float64], mean: NDArray[np.float64], spread: NDArray[np.float64], share: float
) -> float:
    """Where `share` of a mixture of normal distributions lies below, between 0 and 1, by halving."""
    low, high = 0.0, 1.0
    for _ in range(_HALVINGS):
        middle = (low + high) / 2
        if float(weight @ ndtr((middle - mean) / spread)) < share:
            low = middle
        else:
            high = middle
    return (low + high) / 2
