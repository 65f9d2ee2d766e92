"""The student's answer to people, how unsure it is of each, and where each lies among all."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from dataengine.evaluation.analysis.breakdown import break_down, with_errors
from dataengine.evaluation.ap.matching import paired
from dataengine.evaluation.ap.protocol import COCO, OksProtocol
from dataengine.inference.running.predict import Prediction, load_runner, predict_both_ways
from dataengine.people import SOURCE_DTYPE, Images, People, object_column
from dataengine.person_scale import person_area
from dataengine.poses.embedding import embed_poses
from dataengine.poses.training_poses import TrainingPoses

from .embeddings import joint_embedding
from .uncertainty import combine_by_rank, entropy, flip_disagreement, spread, teacher_disagreement


@dataclass(frozen=True, eq=False)
class Seen:
    """The student's answer to n people."""

    plain: Prediction
    mirrored: Prediction
    """Its answer to the mirrored crops, mirrored back."""
    features: NDArray[np.float32]  # (n, d) appearance


def look(student: Path, people: People, images: Images) -> Seen:
    """Run the student in folder `student` on people, plain and mirrored, in one pass over their pictures.

    Raises:
        InputError: the checkpoint or an image is damaged.
    """
    runner, meta = load_runner(student)
    both = predict_both_ways(runner, meta, people, images, features=True, description="student")
    return Seen(both.plain, both.mirrored, both.features)


def scored_people(
    seen: Seen,
    teacher: People,
    weights: Mapping[str, float],
    poses: TrainingPoses | None = None,
    protocol: OksProtocol = COCO,
) -> People:
    """`teacher`'s people with the student's keypoints instead of the teacher's, and how unsure the student is.

    Only the joints that the student was taught count; its other joints get visibility 0. How rare the pose is that the
    student sees is known only where the training set's `poses` are given.

    Extra columns: `uncertainty` 0..1 and the scores that it combines (NaN becomes None), `novel` (None where unknown),
    `student_confidence` (17), `teacher_px` (17, 2), `teacher_visibility` (17), and those that `teacher` has.
    """
    boxes, points, joints = teacher.bbox_xywh_px, seen.plain.keypoints_px, seen.plain.person_score.taught
    stand = None if poses is None else poses.look_up(*_pose(points, joints))
    figures = {
        "spread": spread(seen.plain.spread_px[:, joints], boxes),
        "entropy": entropy(seen.plain.entropy[:, joints]),
        "flip": flip_disagreement(points[:, joints], seen.mirrored.keypoints_px[:, joints], boxes),
        "teacher": teacher_disagreement(
            points, teacher.keypoints_px, teacher.visibility * joints, person_area(teacher), protocol
        ),
    }
    figures["rarity"] = np.full(len(teacher), np.nan) if stand is None else stand.rarity
    uncertainty = combine_by_rank(figures, weights)
    columns = {name: _numbers(values) for name, values in {"uncertainty": uncertainty, **figures}.items()}
    scored = seen.plain.as_people(teacher)
    return scored.replace(
        visibility=scored.visibility * joints,
        source=np.full(len(scored), "pseudo", dtype=SOURCE_DTYPE),
        extras={
            **teacher.extras,
            **columns,
            "novel": object_column([None] * len(teacher) if stand is None else stand.novel.tolist()),
            "student_confidence": np.round(seen.plain.confidence.astype(np.float64), 4),
            "teacher_px": np.round(teacher.keypoints_px.astype(np.float64), 3),
            "teacher_visibility": teacher.visibility,
        },
    )


def with_student(truth: People, images: Images, seen: Seen, protocol: OksProtocol = COCO) -> People:
    """Ground truth with the student's answer added: columns `student_px` (17, 2), `student_confidence` (17).

    Two more columns say what is wrong with that answer: `error` and `misscored`, see `with_errors`.
    """
    pairs = paired(truth, images, seen.plain.as_people(truth), protocol)
    truth = with_errors(truth, break_down(pairs))
    answered = truth.with_extra("student_px", np.round(seen.plain.keypoints_px.astype(np.float64), 3))
    return answered.with_extra("student_confidence", np.round(seen.plain.confidence.astype(np.float64), 4))


def embed(parts: list[tuple[Seen, People]], appearance_weight: float) -> list[NDArray[np.float64]]:
    """Embeddings (n, d) of each part's people, all in one space, by the student's features and its pose."""
    pose = np.concatenate(
        [embed_poses(*_pose(seen.plain.keypoints_px, seen.plain.person_score.taught))[0] for seen, _ in parts]
    )
    appearance = np.concatenate([seen.features for seen, people in parts if len(people)])  # nobody has no width
    together = joint_embedding(pose, appearance, appearance_weight)
    return np.split(together, np.cumsum([len(people) for _, people in parts])[:-1])


def _pose(
    keypoints_px: NDArray[np.float32], joints: NDArray[np.bool_]
) -> tuple[NDArray[np.float32], NDArray[np.uint8]]:
    """Predicted keypoints (n, 17, 2) as if `joints` (17,) were labelled and the others were not."""
    return keypoints_px, np.broadcast_to(joints, keypoints_px.shape[:2]).astype(np.uint8)


def _numbers(values: NDArray[np.float64]) -> NDArray[np.object_]:
    """Six decimals, so that files do not carry a library's last bit; None for NaN."""
    return object_column([None if np.isnan(value) else round(float(value), 6) for value in values])
