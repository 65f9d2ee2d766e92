"""Pseudo-labels of one fitted teacher in known boxes, and how right its accepted joints are."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from dataengine.evaluation.ap.oks_formula import joint_similarities
from dataengine.evaluation.ap.protocol import OksProtocol
from dataengine.keypoints import UNLABELLED
from dataengine.people import People
from dataengine.person_scale import person_area

from ...pseudo.filters import KEPT, Placement
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
    precision: float
    """The share of the accepted joints with a hidden label that is right."""
    coverage: float
    """The share of the joints with a hidden label that is accepted."""
    by_thresholds: bool
    """Too few validation people: the thresholds of params.yaml decide."""


def pseudo_label(
    teacher: Path, unlabelled: Labelled, val: Labelled, params: PseudoLabelParams, protocol: OksProtocol
) -> PseudoLabels:
    """Label the people of `unlabelled` in their boxes; trust is learned on `val`. Hidden labels only measure."""
    rule = _rule(teacher, val, params, protocol) if params.target_precision else None
    truth, images = unlabelled
    people = without_labels(truth)
    opinion = fitted_opinion(teacher, people, images)
    n = len(people)
    placed = Placement(
        bbox_xywh_px=people.bbox_xywh_px,
        picture_px=picture_sizes(people, images),
        neighbour_rows=np.full((n, 2), -1),
        time=np.zeros(n),
    )
    verdict = judge((opinion,), placed, rule, params)
    once = np.ones(n, dtype=np.int64)
    reasons = person_reasons(people, verdict, params, followed=once, shown=once)
    kept = reasons == ""
    labelled = truth.visibility > UNLABELLED
    accepted = labelled & (verdict.reason == KEPT)
    similarity = joint_similarities(verdict.keypoints_px, truth.keypoints_px, person_area(truth), protocol.sigmas)
    right = accepted & (similarity >= params.right_from)
    found = as_candidates(
        people.replace(source=np.full(n, "pseudo", people.source.dtype)),
        images,
        verdict,
        {TEACHERS[-1]: opinion},
        reasons,
    )
    return PseudoLabels(
        people=found.take(kept),
        precision=float(right.sum() / max(accepted.sum(), 1)),
        coverage=float(accepted.sum() / max(labelled.sum(), 1)),
        by_thresholds=rule is None,
    )


def _rule(teacher: Path, val: Labelled, params: PseudoLabelParams, protocol: OksProtocol) -> TrustRule | None:
    """What validation people teach of the teacher; None where they are too few."""
    people, images = val
    known = known_people(people, images, people, [fitted_opinion(teacher, people, images)], protocol.sigmas)
    learned = learn_trust(known, TEACHERS[-1:], params, params)
    return None if isinstance(learned, str) else learned[0]
