"""People without labels judged by a `TrustRule`; joints that the rule does not know are judged by the thresholds."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from dataengine.geometry.pixel_grid import within

from ..pseudo.filters import (
    BOTH,
    DISPUTED,
    FIRST,
    KEPT,
    LONE,
    NOBODY,
    OUTSIDE,
    SECOND,
    UNSURE,
    FilterParams,
    JointVerdict,
    Opinion,
    Placement,
    judge_joints,
    without_jumps,
)
from .fusion import Fused
from .learning import Regressions
from .rule import TrustRule


def judge(opinions: Sequence[Opinion], placed: Placement, rule: TrustRule | None, params: FilterParams) -> JointVerdict:
    """What is believed of n people of whom one or two teachers have `opinions`; None judges all by the thresholds.

    By the rule a joint is accepted from its cutoff on, unless teachers dispute it, `vouching: agree` misses a voucher,
    it lies outside the picture, or it jumps; what it weighs is its calibrated probability of being right.
    """
    plain = judge_joints(*_two(opinions), placed, params)
    if rule is None:
        return plain
    fused, log_odds = Regressions(rule.of_teacher, rule.of_answer).answer(
        opinions, placed.size_px, rule.agreement_tolerance
    )
    sure = log_odds >= rule.cutoffs()
    inside = within(fused.keypoints_px, placed.picture_px[:, None])
    lone = ~fused.disputed & ~fused.vouched.all(axis=0) & (params.vouching == "agree")
    reason = np.select([~sure, fused.disputed, lone, ~inside], [UNSURE, DISPUTED, LONE, OUTSIDE], default=KEPT)
    judged = rule.judged
    points = np.where(judged[:, None], fused.keypoints_px, plain.keypoints_px)
    reason = np.where(judged, reason, plain.reason)
    reason = without_jumps(points, reason, placed, params)
    accepted = reason == KEPT
    trust = np.where(judged, rule.calibrated(log_odds), plain.trust)
    return JointVerdict(
        points,
        reason,
        np.where(judged, _vouched_by(fused), plain.vouched_by),
        accepted.sum(axis=1) >= params.min_joints,
        np.where(accepted, trust, 0.0),
    )


def _two(opinions: Sequence[Opinion]) -> tuple[Opinion, Opinion]:
    """The thresholds speak of two teachers: a single one is the second, and a first that is never sure agrees."""
    if len(opinions) > 1:
        return opinions[0], opinions[1]
    silent = replace(opinions[0], confidence=np.zeros_like(opinions[0].confidence))
    return silent, opinions[0]


def _vouched_by(fused: Fused) -> NDArray[np.str_]:
    count = fused.vouched.sum(axis=0)
    alone = SECOND if len(fused.vouched) == 1 else FIRST
    cases = [fused.disputed, count > 1, fused.vouched[0], count == 1]
    return np.select(cases, [DISPUTED, BOTH, alone, SECOND], default=NOBODY)
