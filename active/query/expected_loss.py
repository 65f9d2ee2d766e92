"""Uncertainty in a unit: the OKS that each joint is expected to lose, learnt from the validation people.

There the loss is known: 1 - the joint's OKS similarity with its label. For every score and joint, isotonic regression
(Barlow et al. 1972; as calibration Zadrozny and Elkan, KDD 2002) finds the rising curve from score to mean loss. A
score that has nothing to do with the loss gets a flat curve, so it no longer ranks anybody, which is what a selection
rule should make of it. The scores' expectations are averaged by their weights; a person's is the mean over joints.

`fit_curves` learns, `LossCurves.expected` applies, `assess` says on people that were left out how well it does.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.stats import spearmanr

from .uncertainty import person_mean

Floats = NDArray[np.floating[Any]]
Losses = NDArray[np.float64]

LEAST_JOINTS = 200
"""Labelled validation joints, all kinds together, below which nothing is learnt: a dozen people."""
LEAST_OF_A_KIND = 30
"""People with one joint labelled from which it has a curve of its own; below, that of all joints together serves."""
FOLDS = 4


@dataclass(frozen=True, eq=False)
class Curve:
    """A rising, piecewise linear curve from a score to the expected loss."""

    score: Losses  # (k,) rising
    loss: Losses  # (k,) rising

    def __call__(self, score: Floats) -> Losses:
        """The loss expected at each score (m,); beyond the ends it is that of the ends."""
        return np.asarray(np.interp(score, self.score, self.loss))


@dataclass(frozen=True, eq=False)
class LossCurves:
    """The curves of every score and joint."""

    curves: Mapping[str, tuple[Curve, ...]]
    """Score -> a curve for each joint. Scores of which too little is known have none."""

    def expected_of(self, name: str, score: Floats) -> Losses:
        """Expected loss (n, j) by one score (n, j); NaN where that is NaN."""
        columns = [curve(score[:, joint]) for joint, curve in enumerate(self.curves[name])]
        return np.where(np.isnan(score), np.nan, np.stack(columns, axis=1))

    def expected(self, scores: Mapping[str, Floats], weights: Mapping[str, float]) -> Losses:
        """Expected loss (n, j): the weighted mean over those scores (n, j) that have curves and are known.

        NaN where none is known or weighs anything.
        """
        return weighted_mean({name: self.expected_of(name, scores[name]) for name in self.curves}, weights)


@dataclass(frozen=True, kw_only=True)
class Fit:
    """How well expected losses do on validation people from whom they were not learnt."""

    people: int
    joints: int
    loss: float
    """Mean loss of a person."""
    error: float
    """Mean absolute difference between a person's expected and true loss; `error_of_mean` is that of saying `loss`."""
    error_of_mean: float
    rank_correlation: float | None
    """Spearman's, between people's expected and true loss; None where one of them does not vary."""


def weighted_mean(values: Mapping[str, Losses], weights: Mapping[str, float]) -> Losses:
    """Mean (n, j) of the known values (n, j) by the weights of their names; NaN where nothing known weighs anything."""
    shares = {name: weights[name] * ~np.isnan(column) for name, column in values.items()}
    total = np.sum(list(shares.values()), axis=0)
    summed = np.sum([shares[name] * np.nan_to_num(values[name]) for name in values], axis=0)
    return np.where(total > 0, summed / np.where(total > 0, total, 1.0), np.nan)


def fit_curves(scores: Mapping[str, Floats], loss: Losses) -> LossCurves | None:
    """Curves from the scores (n, j) of people to their joints' losses (n, j), NaN for what is not labelled.

    A score that is known of fewer than `LEAST_JOINTS` labelled joints gets no curves; None where none gets any.
    """
    curves: dict[str, tuple[Curve, ...]] = {}
    for name, score in scores.items():
        known = ~np.isnan(score) & ~np.isnan(loss)
        if known.sum() < LEAST_JOINTS:
            continue
        of_all = _isotonic(score[known], loss[known])
        curves[name] = tuple(
            _isotonic(score[has, joint], loss[has, joint]) if has.sum() >= LEAST_OF_A_KIND else of_all
            for joint, has in enumerate(known.T)
        )
    return LossCurves(curves) if curves else None


def assess(scores: Mapping[str, Floats], loss: Losses, weights: Mapping[str, float], group: NDArray[Any]) -> Fit | None:
    """Cross-validated over `group` (n,), which keeps people together that are alike: films, or images.

    None where the groups are too few to leave any out.
    """
    number = np.unique(group, return_inverse=True)[1] % FOLDS
    expected = np.full(loss.shape, np.nan)
    for fold in range(FOLDS):
        rest = number != fold
        curves = fit_curves({name: score[rest] for name, score in scores.items()}, loss[rest])
        if curves is not None:
            expected[~rest] = curves.expected({name: score[~rest] for name, score in scores.items()}, weights)
    both = ~np.isnan(expected) & ~np.isnan(loss)
    said, true = (person_mean(np.where(both, values, np.nan)) for values in (expected, loss))
    judged = ~np.isnan(said)
    if not judged.any():
        return None
    said, true = said[judged], true[judged]
    varies = len(said) > 2 and np.ptp(said) > 0 and np.ptp(true) > 0
    return Fit(
        people=len(said),
        joints=int(both.sum()),
        loss=round(float(true.mean()), 4),
        error=round(float(np.abs(said - true).mean()), 4),
        error_of_mean=round(float(np.abs(true.mean() - true).mean()), 4),
        rank_correlation=round(float(spearmanr(said, true).statistic), 4) if varies else None,
    )


def _isotonic(score: Floats, loss: Floats) -> Curve:
    from sklearn.isotonic import IsotonicRegression  # takes a second to import

    fit = IsotonicRegression().fit(score, loss)
    return Curve(np.asarray(fit.X_thresholds_, dtype=np.float64), np.asarray(fit.y_thresholds_, dtype=np.float64))
