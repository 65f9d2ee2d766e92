"""What the test would have seen: the shift of all people of the pool that it finds in 80 of 100 cases at these sizes.

Simulated: as many groups as pool and training set have are drawn, with replacement, from the training groups; those
that play the pool have all their people moved by a share of the training people's spread, in random directions.
The share of simulations in which the test rejects is the power at that shift.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .films import GroupedPeople
from .two_sample import KernelFeatures, compare_groups

Floats = NDArray[np.floating[Any]]
POWER = 0.8
SHIFTS = (0.125, 0.25, 0.5, 0.75, 1.0, 1.5, 2.0, 3.0)
"""In units of the spread: the root of the mean squared distance from the mean."""
_TRIALS, _EXCHANGES, _DIRECTIONS = 80, 99, 8


@dataclass(frozen=True)
class SeenShift:
    """What would be seen."""

    shift: float | None
    """Shift with 80 % power, in spreads, between two of `SHIFTS` by a straight line; None where none of them has it."""
    spread: float
    """The spread, in the unit of the values."""


def seen_shift(
    training: GroupedPeople, pool_groups: int, alpha: float, rng: np.random.Generator, seed: int
) -> SeenShift:
    """The shift that a test at level `alpha` would have seen with a pool of that many groups."""
    centred = training.values - training.values.mean(axis=0)
    spread = float(np.sqrt((centred**2).sum(axis=1).mean()))
    kernel = KernelFeatures(training.values, seed)
    still = training.means(kernel.of(training.values))
    before_shift, before_power = 0.0, alpha
    for shift in SHIFTS:
        share = _power(training, kernel, still, pool_groups, shift * spread, alpha, rng)
        if share >= POWER:
            part = (POWER - before_power) / (share - before_power)
            return SeenShift(before_shift + part * (shift - before_shift), spread)
        before_shift, before_power = shift, share
    return SeenShift(None, spread)


def _power(
    training: GroupedPeople,
    kernel: KernelFeatures,
    still: Floats,
    pool_groups: int,
    shift: float,
    alpha: float,
    rng: np.random.Generator,
) -> float:
    """Share of simulations in which the test finds a pool that was moved by `shift`, in the unit of the values."""
    found = 0
    moved = [
        training.means(kernel.of(training.values + shift * _direction(training.values.shape[1], rng)))
        for _ in range(_DIRECTIONS)
    ]
    for trial in range(_TRIALS):
        first = still[rng.integers(training.groups, size=training.groups)]
        second = moved[trial % _DIRECTIONS][rng.integers(training.groups, size=pool_groups)]
        outcome = compare_groups(first, second, rng, exchanges=_EXCHANGES)
        found += outcome is not None and outcome.p_value <= alpha
    return found / _TRIALS


def _direction(dimensions: int, rng: np.random.Generator) -> NDArray[np.float64]:
    vector = rng.normal(size=dimensions)
    return np.asarray(vector / np.linalg.norm(vector))
