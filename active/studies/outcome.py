"""What a round achieved, and the curve that the rounds of a rule make."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from .plan import START, Round, StudyPlan


@dataclass(frozen=True)
class PlayedRound:
    """What one fit achieved, each figure in 0..1 on the test people."""

    images: int
    """With labels that it learnt from."""
    people: int
    ap: float
    ap50: float
    pck_02: float
    val_ap: float
    """On the validation people."""
    choose_s: float
    """Seconds that choosing its last labels took."""
    fit_s: float
    """Seconds of the fit, with validation, over all calls."""


@dataclass(frozen=True, kw_only=True)
class PoolFacts:
    """What the page says of the study."""

    command: str
    pool_images: int
    val_images: int
    test_images: int
    test_people: int
    oks_sigmas: str
    stop_gain: float


@dataclass(frozen=True)
class LearningCurve:
    """One rule in one seed, from round 0 as far as its rounds follow each other."""

    labels: tuple[int, ...]
    ap: tuple[float, ...]


Curves = Mapping[str, Mapping[int, LearningCurve]]
"""Rule -> seed -> its curve so far."""


def curves_of(plan: StudyPlan, known: Mapping[Round, PlayedRound]) -> dict[str, dict[int, LearningCurve]]:
    """Rule -> seed -> curve, for those with a round 0."""
    curves: dict[str, dict[int, LearningCurve]] = {rule: {} for rule in plan.rules}
    for rule in plan.rules:
        for seed in plan.seeds:
            way = [Round(START, seed, 0), *(Round(rule, seed, number) for number in range(1, plan.rounds + 1))]
            done = []
            for trial in way:
                if trial not in known:
                    break
                done.append(trial)
            if done:
                labels = tuple(plan.labels(trial) for trial in done)
                curves[rule][seed] = LearningCurve(labels, tuple(known[trial].ap for trial in done))
    return curves


def finished(plan: StudyPlan, curves: Curves, rule: str) -> dict[int, LearningCurve]:
    """Seed -> the curve of a rule, of the seeds in which it has all its rounds."""
    return {seed: curve for seed, curve in curves.get(rule, {}).items() if len(curve.labels) == plan.rounds + 1}
