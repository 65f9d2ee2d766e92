"""How well a trial answers, and which of several options is taken.

A trial is measured by OKS on labelled people. While the order of joints is not known, it is the OKS under the order
that suits the trial best: OKS is a sum over joints, so that order is a linear assignment. Options are compared person
by person, those of one picture together, because their difference varies far less than either.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import linear_sum_assignment

from dataengine.keypoints import COCO_SIGMAS, UNLABELLED
from dataengine.people import People
from dataengine.person_scale import person_area

NOISE_ERRORS = 2.0  # standard errors of the mean difference within which options are not distinguished
LEAST_DIFFERENCE = 1e-4  # OKS: less is rounding


@dataclass(frozen=True, eq=False)
class Measured:
    """What labelled people say of a trial."""

    weighted: NDArray[np.float64]
    """(n, k, 17) what the network's joint adds to a person's OKS if it stands for COCO's."""

    def best_order(self) -> NDArray[np.int64]:
        """The joint of the network for each of COCO's 17 that gives the greatest mean OKS; -1 where it has too few."""
        order = np.full(self.weighted.shape[2], -1)
        network, coco = linear_sum_assignment(self.weighted.mean(axis=0), maximize=True)
        order[coco] = network
        return order

    def oks(self, order: NDArray[np.int64]) -> NDArray[np.float64]:
        """OKS (n,) of each person under an order; joints that it lacks count as missed."""
        known = np.flatnonzero(order >= 0)
        return np.asarray(self.weighted[:, order[known], known].sum(axis=1))

    def best_oks(self) -> NDArray[np.float64]:
        """OKS (n,) under the best order."""
        return self.oks(self.best_order())


@dataclass(frozen=True, eq=False)
class OptionResult:
    """One option and the OKS (n,) of each person by it."""

    name: str
    oks: NDArray[np.float64]
    value: Any = None


@dataclass(frozen=True)
class Choice:
    """Which option was taken, and how clearly."""

    coordinate: str
    taken: str
    mean_oks: float
    rival: str
    """The best of the others."""
    difference: float
    """Mean OKS of the taken one minus that of the rival."""
    error: float
    """Standard error of the difference."""

    @property
    def is_tie(self) -> bool:
        """Whether the rival answers equally well, as far as these people can say."""
        return bool(self.rival) and abs(self.difference) <= max(NOISE_ERRORS * self.error, LEAST_DIFFERENCE)


def measure(people: People, keypoints_px: NDArray[np.floating[Any]]) -> Measured:
    """Joints (n, k, 2) in picture pixels, in the network's order, held against the labels of `people`."""
    found, truth = keypoints_px.astype(np.float64)[:, :, None], people.keypoints_px.astype(np.float64)[:, None]
    squared = ((found - truth) ** 2).sum(axis=-1)
    similarity = np.exp(-squared / (2 * person_area(people)[:, None, None] * (2 * COCO_SIGMAS) ** 2))
    labelled = people.visibility > UNLABELLED
    share = labelled / np.maximum(labelled.sum(axis=1, keepdims=True), 1)
    return Measured(similarity * share[:, None])


def choose(
    coordinate: str, options: Sequence[OptionResult], pictures: NDArray[np.int64]
) -> tuple[OptionResult, Choice]:
    """The first of `options` that is not clearly worse than the best; `pictures` (n,) says who stands together."""
    taken = promising(options, pictures)[0]
    others = [option for option in options if option is not taken]
    if not others:
        return taken, Choice(coordinate, taken.name, float(taken.oks.mean()), "", 0.0, 0.0)
    rival = max(others, key=lambda option: option.oks.mean())
    difference, error = _difference(taken, rival, pictures)
    return taken, Choice(coordinate, taken.name, float(taken.oks.mean()), rival.name, difference, error)


def promising(options: Sequence[OptionResult], pictures: NDArray[np.int64]) -> list[OptionResult]:
    """Those that are not clearly worse than the best, in their order."""
    best = max(options, key=lambda option: option.oks.mean())
    return [option for option in options if not _is_worse(option, best, pictures)]


def _is_worse(option: OptionResult, best: OptionResult, pictures: NDArray[np.int64]) -> bool:
    difference, error = _difference(best, option, pictures)
    return difference > max(NOISE_ERRORS * error, LEAST_DIFFERENCE)


def _difference(one: OptionResult, other: OptionResult, pictures: NDArray[np.int64]) -> tuple[float, float]:
    """Mean difference in OKS, over pictures, and its standard error."""
    _, group = np.unique(pictures, return_inverse=True)
    by_picture = np.bincount(group, weights=one.oks - other.oks) / np.bincount(group)
    error = by_picture.std(ddof=1) / np.sqrt(len(by_picture)) if len(by_picture) > 1 else 0.0
    return float(by_picture.mean()), float(error)
