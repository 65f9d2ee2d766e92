"""How well a trial answers, and which of several options is taken.

A trial is measured by OKS on labelled people. While the order of joints is not known, it is the OKS under the order
that suits the trial best: OKS is a sum over joints, so that order is a linear assignment. Options are compared person
by person, because their difference varies far less than either, and people who are not independent count as one piece
of evidence: those of a picture, or of a video where there are enough videos.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import linear_sum_assignment
from scipy.stats import t as student_t

from dataengine.keypoints import COCO_SIGMAS, UNLABELLED
from dataengine.people import Images, People
from dataengine.person_scale import person_area

CONFIDENCE = 0.99  # of Student's t, one-sided, at which an option is worse: a dozen are compared at a time
MOST_GIVEN_UP = 0.02  # OKS that a commoner convention may cost where few people leave much to chance
FEWEST_PIECES = 4  # videos, or their spread says nothing
LEAST_DIFFERENCE = 1e-4  # OKS: less is rounding


@dataclass(frozen=True, eq=False)
class OksTable:
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
    is_tie: bool
    """Whether the rival answers equally well, as far as these people can say."""


def measure(people: People, keypoints_px: NDArray[np.floating[Any]]) -> OksTable:
    """Joints (n, k, 2) in picture pixels, in the network's order, held against the labels of `people`."""
    found, truth = keypoints_px.astype(np.float64)[:, :, None], people.keypoints_px.astype(np.float64)[:, None]
    squared = ((found - truth) ** 2).sum(axis=-1)
    similarity = np.exp(-squared / (2 * person_area(people)[:, None, None] * (2 * COCO_SIGMAS) ** 2))
    labelled = people.visibility > UNLABELLED
    share = labelled / np.maximum(labelled.sum(axis=1, keepdims=True), 1)
    return OksTable(similarity * share[:, None])


def pieces_of(people: People, images: Images) -> NDArray[np.int64]:
    """Which independent piece of evidence (n,) each person belongs to: a video, or a picture of its own."""
    rows = images.rows_of(people.image_id)
    names = [video or f"picture {row}" for video, row in zip(images.video[rows].tolist(), rows.tolist(), strict=True)]
    pieces = np.unique(names, return_inverse=True)[1]
    enough = len(names) and pieces.max() + 1 >= FEWEST_PIECES
    return np.asarray(pieces if enough else people.image_id, dtype=np.int64)


def choose(coordinate: str, options: Sequence[OptionResult], pieces: NDArray[np.int64]) -> tuple[OptionResult, Choice]:
    """The first of `options` that is not worse than the best; `pieces` (n,) as `pieces_of` gives them."""
    best = max(options, key=lambda option: option.oks.mean())
    taken = next(option for option in options if _shortfall(option, best, pieces) <= MOST_GIVEN_UP)
    others = [option for option in options if option is not taken]
    if not others:
        return taken, Choice(coordinate, taken.name, float(taken.oks.mean()), "", 0.0, 0.0, is_tie=False)
    rival = max(others, key=lambda option: option.oks.mean())
    difference, error, limit = _difference(taken, rival, pieces)
    is_tie = abs(difference) <= limit
    return taken, Choice(coordinate, taken.name, float(taken.oks.mean()), rival.name, difference, error, is_tie)


def promising(options: Sequence[OptionResult], pieces: NDArray[np.int64]) -> list[OptionResult]:
    """Those that are not clearly worse than the best, in their order."""
    best = max(options, key=lambda option: option.oks.mean())
    return [option for option in options if np.isfinite(_shortfall(option, best, pieces))]


def _shortfall(option: OptionResult, best: OptionResult, pieces: NDArray[np.int64]) -> float:
    """How much worse than the best an option is on average; infinite where chance does not explain it."""
    difference, _, limit = _difference(best, option, pieces)
    return difference if difference <= limit else float("inf")


def _difference(one: OptionResult, other: OptionResult, pieces: NDArray[np.int64]) -> tuple[float, float, float]:
    """Mean difference in OKS, its standard error over `pieces`, and how large it may be by chance."""
    apart = one.oks - other.oks
    _, group = np.unique(pieces, return_inverse=True)
    by_piece = np.bincount(group, weights=apart) / np.bincount(group)
    if len(by_piece) < 2:
        return float(apart.mean()), 0.0, LEAST_DIFFERENCE
    error = float(by_piece.std(ddof=1) / np.sqrt(len(by_piece)))
    limit = float(student_t.ppf(CONFIDENCE, len(by_piece) - 1)) * error
    return float(apart.mean()), error, max(limit, LEAST_DIFFERENCE)
