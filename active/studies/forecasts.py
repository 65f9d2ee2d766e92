"""How good forecasts of one round ahead were, held against what came and against two that need no model."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from scipy.stats import binomtest

from ..forecast.learning_curve import LEAST_POINTS, forecast_ap


@dataclass(frozen=True)
class Judged:
    """One forecast and what came."""

    points: int
    """Measurements that it was made from."""
    covered: bool
    """Whether the interval held what came."""
    width: float
    error: float
    """Distance of the median from what came, in AP."""
    error_of_no_change: float
    """The error of saying: as now."""
    error_of_last_gain: float
    """The error of saying: as much more as last time."""


@dataclass(frozen=True)
class Skill:
    """Many forecasts."""

    count: int
    covered: int
    coverage_low: float
    """Wilson's 95 % interval of the share that is covered, as if all were independent."""
    coverage_high: float
    width: float
    error: float
    error_of_no_change: float
    error_of_last_gain: float


def judged(labels: Sequence[int], ap: Sequence[float]) -> list[Judged]:
    """A forecast of every measurement from those before it, as far as there are enough."""
    found = []
    for place in range(LEAST_POINTS, len(labels)):
        came, now = ap[place], ap[place - 1]
        said = forecast_ap(labels[:place], ap[:place], labels[place] - labels[place - 1])
        found.append(
            Judged(
                points=place,
                covered=said.low <= came <= said.high,
                width=said.high - said.low,
                error=abs(said.ap - came),
                error_of_no_change=abs(now - came),
                error_of_last_gain=abs(2 * now - ap[place - 2] - came),
            )
        )
    return found


def skill(forecasts: Iterable[Judged]) -> Skill | None:
    """Their means; None where there are none."""
    each = list(forecasts)
    if not each:
        return None
    covered = sum(one.covered for one in each)
    sure = binomtest(covered, len(each)).proportion_ci(method="wilson")
    names = ("width", "error", "error_of_no_change", "error_of_last_gain")
    means = {name: float(np.mean([getattr(one, name) for one in each])) for name in names}
    return Skill(len(each), covered, float(sure.low), float(sure.high), **means)
