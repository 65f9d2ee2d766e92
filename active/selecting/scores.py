"""The second step of `select`: the networks' answers to everybody, and what each candidate's labels are worth."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass

import numpy as np
from numpy.typing import NDArray

from dataengine.evaluation.ap.protocol import OksProtocol
from dataengine.people import People

from ..query.embeddings import joint_embedding
from ..query.expected_loss import Fit, LossCurves
from ..query.parts import look_on
from ..query.scoring import (
    Networks,
    embedding_blocks,
    expected_losses,
    learn_losses,
    scored_people,
    scores_with_teacher,
    with_student,
)
from ..query.select_params import SelectParams
from ..query.uncertainty import Seen
from .inputs import SelectInputs


@dataclass(frozen=True, eq=False, kw_only=True)
class SelectScores:
    """The candidates (n people) and the labelled people (m) as the student sees them."""

    scored: People
    """The candidates, with all columns of `scored.json`."""
    answered: People
    """The labelled people, with the student's answers and what these lack."""
    curves: LossCurves | None
    """What scores say of the OKS that is lost; None where validation has too few labelled joints to learn that from."""
    fit: Fit | None
    """How well the curves tell it of people whom they were not learnt on."""
    expected: Mapping[str, NDArray[np.float64]]
    """Score -> OKS (n, 17) that it expects to be lost; empty without curves."""
    pose: NDArray[np.float64]  # (n + m, p), the pose's part of the embedding
    appearance: NDArray[np.float32]  # (n + m, a), the student's features
    embeddings: NDArray[np.float64]  # (n, d) of the candidates, both parts
    covered: NDArray[np.float64]  # (m, d) of the labelled people
    joints: int
    """That the student was taught: as many are labelled of a person."""


def score(params: SelectParams, inputs: SelectInputs, protocol: OksProtocol, cluster: str | None) -> SelectScores:
    """Ask the networks about everybody (on a Ray cluster where one is named), and score the candidates.

    Labelled people are asked about by the student alone, but those of validation, on whom the losses are learnt.
    """
    people, images, truth, truth_images = inputs.people, inputs.images, inputs.truth, inputs.truth_images
    networks, weights = inputs.networks, asdict(params.weights)
    seen = look_on(cluster, networks, people, images)
    seen_truth = look_on(cluster, Networks(student=networks.student), truth, truth_images)
    for_validation = np.flatnonzero(truth.extras["split"] == "val")
    judged = truth.take(for_validation)
    seen_judged = look_on(cluster, networks, judged, truth_images) if networks.more else seen_truth.take(for_validation)
    curves, fit = learn_losses(seen_judged, judged, truth_images, weights, protocol)
    pose, appearance = embedding_blocks([(seen, people), (seen_truth, truth)])
    embeddings, covered = np.split(joint_embedding(pose, appearance, params.appearance_weight), [len(people)])
    return SelectScores(
        scored=scored_people(seen, people, images, weights, inputs.poses, protocol, curves),
        answered=with_student(truth, truth_images, seen_truth, protocol),
        curves=curves,
        fit=fit,
        expected=_expected(seen, inputs, weights, protocol, curves),
        pose=pose,
        appearance=appearance,
        embeddings=embeddings,
        covered=covered,
        joints=int(seen.plain.person_score.taught.sum()),
    )


def _expected(
    seen: Seen,
    inputs: SelectInputs,
    weights: Mapping[str, float],
    protocol: OksProtocol,
    curves: LossCurves | None,
) -> Mapping[str, NDArray[np.float64]]:
    if curves is None:
        return {}
    return expected_losses(scores_with_teacher(seen, inputs.people, inputs.images, weights, protocol), curves)
