"""Which of a teacher's joints are learned from: the same share of them whoever judges."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from dataengine.errors import InputError
from dataengine.geometry.pixel_grid import within
from dataengine.judges.table import TOGETHER
from dataengine.keypoints import UNLABELLED, VISIBLE
from dataengine.labels.joint_weights import with_joint_weights
from dataengine.person_scale import with_joint_area

from ...pseudo.outcome import picture_sizes
from ..students.labelling import PseudoLabels
from ..students.sets import without_labels
from .tracks import JudgedPeople

NOBODY, EVERYTHING, CHANCE, PERFECT = "no pseudo-labels", "everything accepted", "chance", "hidden labels"
BESIDES: Mapping[str, str] = {
    NOBODY: "labelled pictures alone",
    EVERYTHING: "nobody judges: all joints inside the picture",
    CHANCE: "the same share, drawn by chance",
    PERFECT: "the same share, by the hidden labels: right joints first. What the best judge could do",
}
"""What judges are compared with."""


def trust_by(judge: str, judged: JudgedPeople, known: NDArray[np.bool_], seed: int) -> NDArray[np.float64]:
    """Trust (n, 17) of a judge, or of one of `BESIDES`; labels of the people `known` (n,) may teach it.

    Raises:
        InputError: the labels show no wrong joint, or no right one, so that the learned judge learns nothing.
    """
    drawn = np.random.default_rng([seed, 1]).random(judged.right.shape)
    if judge in (EVERYTHING, CHANCE):
        return drawn
    if judge == PERFECT:
        return drawn + judged.right
    trust = judged.with_learned(known)
    if judge == TOGETHER and judge not in trust:
        expected = "right and wrong joints of the teacher in the pictures with labels"
        raise InputError(f"--judge {judge!r} learns nothing", expected=expected, fix="raise --labels, or leave it out")
    return trust[judge]


def accepted_joints(trust: NDArray[np.float64], possible: NDArray[np.bool_], share: float) -> NDArray[np.bool_]:
    """The joints (n, 17) that are trusted most: `share` of all, and only `possible` ones (n, 17).

    >>> accepted_joints(np.array([[3.0, 1.0], [2.0, 4.0]]), np.array([[True, True], [True, False]]), share=0.5)
    array([[ True, False],
           [ True, False]])
    """
    order = np.argsort(np.where(possible, -trust, np.inf), axis=None, kind="stable")
    accepted = np.zeros(trust.size, dtype=bool)
    accepted[order[: round(share * trust.size)]] = True
    return accepted.reshape(trust.shape) & possible


def accepted_people(
    judged: JudgedPeople, trust: NDArray[np.float64], hidden: NDArray[np.int64], share: float
) -> PseudoLabels:
    """The people in rows `hidden` who keep a joint, with `share` of all their joints, each of weight 1, in their boxes.

    Hidden labels only measure.
    """
    truth, points = judged.people.take(hidden), judged.points_px[hidden]
    inside = within(points, picture_sizes(truth, judged.images)[:, None])
    accepted = accepted_joints(trust[hidden], inside, share)
    people = without_labels(truth).replace(
        keypoints_px=points.astype(np.float32),
        visibility=np.where(accepted, VISIBLE, UNLABELLED).astype(np.uint8),
        source=np.full(len(truth), "pseudo", truth.source.dtype),
    )
    kept = accepted.any(axis=1)
    people = with_joint_weights(with_joint_area(people), np.ones(accepted.shape))
    labelled = truth.visibility > UNLABELLED
    measured = accepted & labelled
    return PseudoLabels(
        people=people.take(kept),
        precision=float(judged.right[hidden][measured].mean()) if measured.any() else None,
        coverage=float(measured.sum() / max(labelled.sum(), 1)),
        by_thresholds=False,
    )
