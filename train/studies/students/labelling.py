"""Pseudo-labels of fitted or outside teachers in known boxes, and how right their accepted joints are."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from dataengine.evaluation.ap.oks_formula import joint_similarities
from dataengine.evaluation.ap.protocol import OksProtocol
from dataengine.keypoints import UNLABELLED
from dataengine.people import People
from dataengine.person_scale import person_area

from ...pseudo.filters import KEPT, UNSURE, JointVerdict, Opinion, Placement
from ...pseudo.outcome import as_candidates, picture_sizes
from ...pseudo.params import PseudoLabelParams
from ...pseudo.persons import person_reasons
from ...pseudo.teachers import TEACHERS, fitted_opinion
from ...trust.judging import judge
from ...trust.known_people import known_people
from ...trust.learning import learn_trust
from ...trust.rule import TrustRule
from .sets import Labelled, without_labels


@dataclass(frozen=True)
class PseudoLabels:
    """Who is learned from, and what their joints are worth."""

    people: People
    precision: float | None
    """The share of the accepted joints with a hidden label that is right; None where no such joint is accepted."""
    coverage: float
    """The share of the joints with a hidden label that is accepted."""
    by_thresholds: bool
    """Too few validation people: the thresholds of params.yaml decide."""


def pseudo_label(
    teacher: Path, unlabelled: Labelled, val: Labelled, params: PseudoLabelParams, protocol: OksProtocol
) -> PseudoLabels:
    """Labels by the network in the folder `teacher`; trust is learned on `val`, or the thresholds decide."""
    name, rule = TEACHERS[-1], None
    if params.target_precision:
        learned = trust_in({name: fitted_opinion(teacher, *val)}, val, params, protocol)
        rule = None if isinstance(learned, str) else learned
    people, images = unlabelled
    opinion = fitted_opinion(teacher, without_labels(people), images)
    return labels_of({name: opinion}, unlabelled, rule, params, protocol)


def trust_in(
    opinions: Mapping[str, Opinion], val: Labelled, params: PseudoLabelParams, protocol: OksProtocol
) -> TrustRule | str:
    """What validation people teach of teachers, whose `opinions` are of them; or why they are too few."""
    people, images = val
    known = known_people(people, images, people, list(opinions.values()), protocol.sigmas)
    learned = learn_trust(known, list(opinions), params, params)
    return learned if isinstance(learned, str) else learned[0]


def labels_of(
    opinions: Mapping[str, Opinion],
    unlabelled: Labelled,
    rule: TrustRule | None,
    params: PseudoLabelParams,
    protocol: OksProtocol,
    joints: NDArray[np.bool_] | None = None,
) -> PseudoLabels:
    """The people of `unlabelled` in their boxes, as teachers see them; None as `rule` leaves them to the thresholds.

    Hidden labels only measure. `joints` (17,) are those that may be accepted; None: all.
    """
    truth, images = unlabelled
    people = without_labels(truth)
    n = len(people)
    placed = Placement(
        bbox_xywh_px=people.bbox_xywh_px,
        picture_px=picture_sizes(people, images),
        neighbour_rows=np.full((n, 2), -1),
        time=np.zeros(n),
    )
    verdict = judge(list(opinions.values()), placed, rule, params)
    if joints is not None:
        verdict = _of_joints(verdict, joints, params)
    once = np.ones(n, dtype=np.int64)
    reasons = person_reasons(people, verdict, params, followed=once, shown=once)
    kept = reasons == ""
    labelled = truth.visibility > UNLABELLED
    accepted = labelled & (verdict.reason == KEPT)
    similarity = joint_similarities(verdict.keypoints_px, truth.keypoints_px, person_area(truth), protocol.sigmas)
    right = accepted & (similarity >= params.right_from)
    pseudo = people.replace(source=np.full(n, "pseudo", people.source.dtype))
    return PseudoLabels(
        people=as_candidates(pseudo, images, replace(verdict, kept=kept), {}, reasons).take(kept),
        precision=float(right.sum() / accepted.sum()) if accepted.any() else None,
        coverage=float(accepted.sum() / max(labelled.sum(), 1)),
        by_thresholds=rule is None,
    )


def _of_joints(verdict: JointVerdict, joints: NDArray[np.bool_], params: PseudoLabelParams) -> JointVerdict:
    """The verdict that accepts no other joints than these (17,)."""
    reason = np.where((verdict.reason == KEPT) & ~joints, UNSURE, verdict.reason)
    accepted = reason == KEPT
    kept = accepted.sum(axis=1) >= params.min_joints
    return replace(verdict, reason=reason, kept=kept, trust=np.where(accepted, verdict.trust, 0.0))
