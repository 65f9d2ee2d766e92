"""The student's answer to people, how unsure it is of each, and where each lies among all."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from dataengine.columns import object_column
from dataengine.evaluation.analysis.breakdown import break_down, with_errors
from dataengine.evaluation.ap.matching import paired
from dataengine.evaluation.ap.oks_formula import joint_similarities
from dataengine.evaluation.ap.protocol import COCO, OksProtocol
from dataengine.evaluation.jittered_boxes import BoxJitter, in_jittered_boxes
from dataengine.inference.running.predict import load_runner, predict_both_ways, predict_people
from dataengine.inference.under_dropout import dropout_disagreement
from dataengine.keypoints import UNLABELLED
from dataengine.people import SOURCE_DTYPE, Images, People
from dataengine.person_scale import person_area
from dataengine.poses.embedding import embed_poses
from dataengine.poses.training_poses import TrainingPoses

from .expected_loss import Fit, LossCurves, assess, fit_curves, weighted_mean
from .peaks import student_peaks
from .uncertainty import SCORES, Scores, Seen, Where, combine_by_rank, person_mean, teacher_disagreement

JITTERS = 4
"""Crops around jittered boxes, of `BoxJitter`'s strength: as far off as a detector's."""


@dataclass(frozen=True, eq=False, kw_only=True)
class Networks:
    """Folders of the networks that are asked."""

    student: Path
    second: Path | None = None
    """Another checkpoint, whose answers are compared with the student's; None where nobody asks for that."""
    jittered: bool = False
    """Whether to ask the student about crops that are a little off, too: `JITTERS` more passes."""
    peaks: bool = False
    """Whether to look at the peaks of its distributions: one more pass."""
    dropout: bool = False
    """Whether to ask it with parts of its features dropped: one more pass, in which only the head runs repeatedly."""

    @property
    def more(self) -> bool:
        """Whether more is asked for than the student's answers, plain and mirrored."""
        return self.jittered or self.peaks or self.dropout or self.second is not None


def look(networks: Networks, people: People, images: Images) -> Seen:
    """Run the student on people, plain and mirrored in one pass over their pictures, and what else is asked for.

    Raises:
        InputError: a checkpoint or an image is damaged.
    """
    return answers(networks, people, images, views_off(networks, people))


def views_off(networks: Networks, people: People) -> tuple[People, ...]:
    """The people in boxes that are a little off, as often as `networks` asks for."""
    return tuple(in_jittered_boxes(people, BoxJitter(seed=seed)) for seed in range(JITTERS * networks.jittered))


def answers(networks: Networks, people: People, images: Images, off: Sequence[People]) -> Seen:
    """What `look` returns; `off` is of `views_off`."""
    runner, meta = load_runner(networks.student)
    both = predict_both_ways(runner, meta, people, images, features=True, description="student")
    second = None
    if networks.second is not None:
        second = predict_people(*load_runner(networks.second), people, images, description="second network")
    return Seen(
        both.plain,
        both.mirrored,
        both.features,
        tuple(predict_people(runner, meta, each, images, description="jittered boxes") for each in off),
        second,
        student_peaks(networks.student, people, images) if networks.peaks else None,
        dropout_disagreement(networks.student, people, images) if networks.dropout else None,
    )


def joint_scores(seen: Seen, people: People, images: Images, weights: Mapping[str, float]) -> dict[str, Scores]:
    """The scores (n, 17) of `SCORES` that weigh anything, NaN for joints that the student was not taught."""
    rows = images.rows_of(people.image_id)
    where = Where(people.bbox_xywh_px, people.track_id, images.video[rows], images.frame[rows])
    taught = seen.plain.person_score.taught
    return {name: np.where(taught, score(seen, where), np.nan) for name, score in SCORES.items() if weights[name] > 0}


def learn_losses(
    seen: Seen,
    truth: People,
    images: Images,
    weights: Mapping[str, float],
    protocol: OksProtocol = COCO,
) -> tuple[LossCurves | None, Fit | None]:
    """From labelled people that the student did not learn from: what its scores say of the OKS that is lost.

    None where too few joints are labelled, see `expected_loss`; no `Fit` where too few films or images are left out.
    """
    scores = joint_scores(seen, truth, images, weights)
    similarity = joint_similarities(
        seen.plain.keypoints_px, truth.keypoints_px, np.maximum(person_area(truth), 1.0), protocol.sigmas
    )
    labelled = (truth.visibility > UNLABELLED) & seen.plain.person_score.taught
    loss = np.where(labelled, 1 - similarity, np.nan)
    curves = fit_curves(scores, loss)
    if curves is None:
        return None, None
    films = images.video[images.rows_of(truth.image_id)]
    alike = films if len(set(films.tolist())) > 1 else truth.image_id
    return curves, assess(scores, loss, weights, alike)


def scored_people(
    seen: Seen,
    teacher: People,
    images: Images,
    weights: Mapping[str, float],
    poses: TrainingPoses | None = None,
    protocol: OksProtocol = COCO,
    curves: LossCurves | None = None,
) -> People:
    """`teacher`'s people with the student's keypoints instead of the teacher's, and how unsure the student is.

    Only the joints that the student was taught count; its other joints get visibility 0. How rare the pose is that the
    student sees is known only where the training set's `poses` are given.

    Extra columns: `uncertainty` 0..1, the OKS that is expected to be lost (without `curves`: a mean of ranks), `worth`,
    the same times one plus the weighted rarity, the scores behind it (NaN becomes None), `joint_uncertainty` (17), only
    with `curves`, `novel` (None where unknown), `student_confidence` (17), `teacher_px` (17, 2), `teacher_visibility`
    (17), and those that `teacher` has.
    """
    points, joints = seen.plain.keypoints_px, seen.plain.person_score.taught
    stand = None if poses is None else poses.look_up(*_pose(points, joints))
    by_joint = scores_with_teacher(seen, teacher, images, weights, protocol)
    figures = {name: person_mean(score) for name, score in by_joint.items()}
    rarity = np.full(len(teacher), np.nan) if stand is None else stand.rarity
    columns = {}
    if not figures:
        uncertainty = np.ones(len(teacher))
    elif curves is None:
        uncertainty = combine_by_rank(figures, weights)
    else:
        expected = weighted_mean(expected_losses(by_joint, curves), weights)
        uncertainty = np.nan_to_num(person_mean(expected))
        columns["joint_uncertainty"] = np.nan_to_num(expected).round(4)
    worth = uncertainty * (1 + weights["rarity"] * np.nan_to_num(rarity))
    written = {"uncertainty": uncertainty, "worth": worth, **figures, "rarity": rarity}
    scored = seen.plain.as_people(teacher)
    return scored.replace(
        visibility=scored.visibility * joints,
        source=np.full(len(scored), "pseudo", dtype=SOURCE_DTYPE),
        extras={
            **teacher.extras,
            **{name: _numbers(values) for name, values in written.items()},
            **columns,
            "novel": object_column([None] * len(teacher) if stand is None else stand.novel.tolist()),
            "student_confidence": np.round(seen.plain.confidence.astype(np.float64), 4),
            "teacher_px": np.round(teacher.keypoints_px.astype(np.float64), 3),
            "teacher_visibility": teacher.visibility,
        },
    )


def scores_with_teacher(
    seen: Seen, teacher: People, images: Images, weights: Mapping[str, float], protocol: OksProtocol = COCO
) -> dict[str, Scores]:
    """`joint_scores`, and what is lost if the teacher is right, where that weighs anything."""
    by_joint = joint_scores(seen, teacher, images, weights)
    if weights["teacher"] > 0:
        flags = teacher.visibility * seen.plain.person_score.taught
        by_joint["teacher"] = teacher_disagreement(
            seen.plain.keypoints_px, teacher.keypoints_px, flags, person_area(teacher), protocol
        )
    return by_joint


def expected_losses(by_joint: Mapping[str, Scores], curves: LossCurves) -> dict[str, NDArray[np.float64]]:
    """Expected loss (n, 17) by each score that has curves.

    What the teacher says is lost is in that unit already, as far as the teacher is right.
    """
    known = {name: curves.expected_of(name, by_joint[name]) for name in curves.curves}
    if "teacher" in by_joint:
        known["teacher"] = by_joint["teacher"]
    return known


def with_student(truth: People, images: Images, seen: Seen, protocol: OksProtocol = COCO) -> People:
    """Ground truth with the student's answer added: columns `student_px` (17, 2), `student_confidence` (17).

    Two more columns say what is wrong with that answer: `error` and `misscored`, see `with_errors`.
    """
    pairs = paired(truth, images, seen.plain.as_people(truth), protocol)
    truth = with_errors(truth, break_down(pairs))
    answered = truth.with_extra("student_px", np.round(seen.plain.keypoints_px.astype(np.float64), 3))
    return answered.with_extra("student_confidence", np.round(seen.plain.confidence.astype(np.float64), 4))


def embedding_blocks(parts: list[tuple[Seen, People]]) -> tuple[NDArray[np.float64], NDArray[np.float32]]:
    """What `joint_embedding` puts together: poses (n, p) and the student's features (n, a) of the people of all parts.

    One part's people after another's.
    """
    pose = np.concatenate(
        [embed_poses(*_pose(seen.plain.keypoints_px, seen.plain.person_score.taught))[0] for seen, _ in parts]
    )
    return pose, np.concatenate([seen.features for seen, people in parts if len(people)])  # nobody has no width


def _pose(
    keypoints_px: NDArray[np.float32], joints: NDArray[np.bool_]
) -> tuple[NDArray[np.float32], NDArray[np.uint8]]:
    """Predicted keypoints (n, 17, 2) as if `joints` (17,) were labelled and the others were not."""
    return keypoints_px, np.broadcast_to(joints, keypoints_px.shape[:2]).astype(np.uint8)


def _numbers(values: NDArray[np.float64]) -> NDArray[np.object_]:
    """Six decimals, so that files do not carry a library's last bit; None for NaN."""
    return object_column([None if np.isnan(value) else round(float(value), 6) for value in values])
