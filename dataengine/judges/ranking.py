"""How well a judge finds a teacher's mistakes: AUROC, and risk against coverage, with intervals by scene."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from dataengine.evaluation.analysis.roc import auroc
from dataengine.studies.scene_interval import scene_interval

RESAMPLES, LEVEL = 300, 0.95
COVERAGES = (0.5, 0.8)


@dataclass(frozen=True, eq=False)
class RankedJoints:
    """k labelled joints of one scene."""

    trust: NDArray[np.float64]  # (k,) higher is better, any scale; minus infinity ranks last
    right: NDArray[np.bool_]  # (k,)


@dataclass(frozen=True)
class JudgeFigures:
    """A judge over all scenes of a set."""

    auroc: float
    interval: tuple[float, float]
    """That of the AUROC, scenes resampled whole; NaN for a single one, which says nothing of others."""
    risk: tuple[float, ...]
    """Share of wrong joints among the most trusted, at each of `COVERAGES`."""
    aurc: float
    """The mean of that over all coverages (Geifman and El-Yaniv, "Selective Classification", NeurIPS 2017)."""


def judge_figures(scenes: Sequence[RankedJoints]) -> JudgeFigures:
    """Figures of one judge. NaN where all joints are right, or all wrong."""
    together = _pooled(scenes, np.arange(len(scenes)))
    risk = risk_curve(together.trust, together.right)
    return JudgeFigures(
        _auroc_of(together),
        _interval(scenes),
        tuple(float(risk[max(round(share * len(risk)) - 1, 0)]) if len(risk) else np.nan for share in COVERAGES),
        float(risk.mean()) if len(risk) else np.nan,
    )


def risk_curve(trust: NDArray[np.float64], right: NDArray[np.bool_]) -> NDArray[np.float64]:
    """Share of wrong joints (k,) among the 1, 2, ..., k most trusted; equally trusted ones share their mistakes.

    >>> risk_curve(np.array([3.0, 2.0, 2.0, 1.0]), np.array([True, False, True, False]))
    array([0.        , 0.25      , 0.33333333, 0.5       ])
    """
    _, group, size = np.unique(-trust, return_inverse=True, return_counts=True)
    wrong = np.bincount(group, weights=~right, minlength=len(size)) / size
    return np.cumsum(np.repeat(wrong, size)) / np.arange(1, len(trust) + 1)


def _interval(scenes: Sequence[RankedJoints]) -> tuple[float, float]:
    sizes = [len(each.right) for each in scenes]
    return scene_interval(lambda rows: _auroc_of(_pooled(scenes, rows)), sizes, resamples=RESAMPLES, level=LEVEL)


def _auroc_of(joints: RankedJoints) -> float:
    return auroc(joints.trust, joints.right)


def _pooled(scenes: Sequence[RankedJoints], rows: NDArray[np.int64]) -> RankedJoints:
    return RankedJoints(
        np.concatenate([scenes[row].trust for row in rows]), np.concatenate([scenes[row].right for row in rows])
    )
