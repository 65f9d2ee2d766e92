"""How unsure a model is of each joint: plain functions, one number per person and joint, higher = less sure.

Each takes arrays over n people and j joints and returns (n, j) float64, NaN where nothing can be said. `SCORES` is the
table; `expected_loss.py` turns them into one unit, the OKS that is expected to be lost, and `combine_by_rank` does
without where too little is labelled for that.

Adding a score: write the function, add a line to `SCORES` that feeds it, a weight to `ScoreWeights` in `selection.py`
and the words for a person to `manifest/evidence.py`. A score that needs more than `Seen` holds is read in
`scoring.py`, and only where its weight is above 0. Nothing has to be scaled: calibration does that, and it says in the
metrics whether the score follows the loss at all.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dataengine.evaluation.ap.oks_formula import joint_similarities
from dataengine.evaluation.ap.protocol import COCO, OksProtocol
from dataengine.inference.running.predict import Prediction
from dataengine.keypoints import COCO_KEYPOINTS, UNLABELLED
from dataengine.poses.embedding import BONES, stature_px

Floats = NDArray[np.floating[Any]]
Scores = NDArray[np.float64]

MOST_FRAMES_BETWEEN = 15
"""Farther neighbours in time say nothing of a joint's way: half a second of film at 30 frames a second."""


@dataclass(frozen=True, eq=False)
class Seen:
    """The student's answer to n people."""

    plain: Prediction
    mirrored: Prediction
    """Its answer to the mirrored crops, mirrored back."""
    features: NDArray[np.float32]  # (n, d) appearance
    jittered: tuple[Prediction, ...] = ()
    """Its answers to crops around boxes that are a little off."""
    second: Prediction | None = None
    """Another network's answer."""
    peaks: NDArray[np.float64] | None = None
    """(n, 17) multi-peak entropy of the student's answer."""
    dropout: NDArray[np.float64] | None = None
    """(n, 17) how far the student disagrees with itself under dropout."""

    def take(self, rows: NDArray[np.int64] | NDArray[np.bool_]) -> Seen:
        """The answer to some of the people."""
        return Seen(
            self.plain.take(rows),
            self.mirrored.take(rows),
            self.features[rows] if len(self.features) else self.features,
            tuple(each.take(rows) for each in self.jittered),
            None if self.second is None else self.second.take(rows),
            None if self.peaks is None else self.peaks[rows],
            None if self.dropout is None else self.dropout[rows],
        )


@dataclass(frozen=True, eq=False)
class Where:
    """In which boxes, films and frames n people stand."""

    bbox_xywh_px: NDArray[np.float32]  # (n, 4)
    track: NDArray[np.int64]  # (n,) of a film, -1: none
    video: NDArray[np.str_]  # (n,) "": a still
    frame: NDArray[np.int64]  # (n,)


def box_size_px(bbox_xywh_px: Floats) -> Scores:
    """Square root of the box's area (n,), at least one pixel."""
    boxes = np.asarray(bbox_xywh_px, dtype=np.float64)
    return np.sqrt(np.maximum(boxes[:, 2] * boxes[:, 3], 1.0))


def spread(spread_px: Floats, bbox_xywh_px: Floats) -> Scores:
    """Width of the joints' predicted distributions (n, j), SimCC or heatmap alike, as a share of the box's size."""
    return np.asarray(spread_px, dtype=np.float64) / box_size_px(bbox_xywh_px)[:, None]


def disagreement(one_px: Floats, other_px: Floats, bbox_xywh_px: Floats) -> Scores:
    """Distance between two answers (n, j, 2) about the same joints, as a share of the box's size.

    To the image and to its mirror image, mapped back; or of two networks. Who knows the pose gives the same answer.
    """
    difference = np.asarray(one_px, dtype=np.float64) - np.asarray(other_px, dtype=np.float64)
    return np.asarray(np.linalg.norm(difference, axis=2) / box_size_px(bbox_xywh_px)[:, None])


def scatter(answers_px: Sequence[Floats], bbox_xywh_px: Floats) -> Scores:
    """Root mean square distance of several answers (n, j, 2) from their mean, as a share of the box's size."""
    stack = np.asarray(answers_px, dtype=np.float64)
    squared = ((stack - stack.mean(axis=0)) ** 2).sum(axis=3).mean(axis=0)
    return np.asarray(np.sqrt(squared) / box_size_px(bbox_xywh_px)[:, None])


def jump(keypoints_px: Floats, where: Where) -> Scores:
    """Distance of joints (n, j, 2) from the straight way between the frames before and after, over the box's size.

    The neighbours are the same track's nearest frames on either side, at most `MOST_FRAMES_BETWEEN` away; NaN for whom
    one of them is missing.
    """
    points = np.asarray(keypoints_px, dtype=np.float64)
    found = np.full(points.shape[:2], np.nan)
    order = np.lexsort((where.frame, where.track, where.video))
    before, here, after = order[:-2], order[1:-1], order[2:]
    same = (where.track[here] >= 0) & (where.video[here] != "")
    for other in (before, after):
        gap = np.abs(where.frame[other] - where.frame[here])
        same &= (where.track[other] == where.track[here]) & (where.video[other] == where.video[here])
        same &= (gap > 0) & (gap <= MOST_FRAMES_BETWEEN)
    before, here, after = before[same], here[same], after[same]
    share = (where.frame[here] - where.frame[before]) / np.maximum(where.frame[after] - where.frame[before], 1)
    way = points[before] + share[:, None, None] * (points[after] - points[before])
    found[here] = disagreement(points[here], way, where.bbox_xywh_px[here])
    return found


def implausibility(keypoints_px: Floats) -> Scores:
    """How far the bones at each joint (n, 17, 2) exceed what a person of that stature can have: log of the ratio, or 0.

    A projected bone is never longer than the bone (`dataengine.poses.embedding`). NaN for joints of the face.
    """
    points = np.asarray(keypoints_px, dtype=np.float64)
    stature = np.maximum(stature_px(points, np.full(points.shape[:2], 2)), 1.0)
    found = np.full(points.shape[:2], np.nan)
    for start, end, share in BONES.values():
        ends = [COCO_KEYPOINTS.index(start), COCO_KEYPOINTS.index(end)]
        length = np.linalg.norm(points[:, ends[1]] - points[:, ends[0]], axis=1)
        excess = np.log(np.maximum(length / (share * stature), 1.0))
        found[:, ends] = np.fmax(found[:, ends], excess[:, None])
    return found


def teacher_disagreement(
    keypoints_px: Floats,
    teacher_px: Floats,
    teacher_visibility: NDArray[np.integer[Any]],
    area_px2: Floats,
    protocol: OksProtocol = COCO,
) -> Scores:
    """OKS that each joint (n, 17, 2) of the student loses if the teacher is right, 0 (same) .. 1.

    `area_px2` (n,) is the scale squared. NaN for joints that the teacher did not label.
    """
    labelled = np.asarray(teacher_visibility) > UNLABELLED
    similarity = joint_similarities(keypoints_px, teacher_px, np.maximum(area_px2, 1.0), protocol.sigmas)
    return np.where(labelled, 1 - similarity, np.nan)


def _asked(score: Scores | None, seen: Seen) -> Scores:
    return np.full(seen.plain.entropy.shape, np.nan) if score is None else score


SCORES: Mapping[str, Callable[[Seen, Where], Scores]] = {
    "spread": lambda seen, where: spread(seen.plain.spread_px, where.bbox_xywh_px),
    "entropy": lambda seen, where: np.asarray(seen.plain.entropy, dtype=np.float64),
    "peaks": lambda seen, where: _asked(seen.peaks, seen),
    "dropout": lambda seen, where: _asked(seen.dropout, seen),
    "flip": lambda seen, where: disagreement(seen.plain.keypoints_px, seen.mirrored.keypoints_px, where.bbox_xywh_px),
    "jitter": lambda seen, where: scatter(
        [answer.keypoints_px for answer in (seen.plain, *seen.jittered)], where.bbox_xywh_px
    ),
    "second": lambda seen, where: disagreement(
        seen.plain.keypoints_px, (seen.second or seen.plain).keypoints_px, where.bbox_xywh_px
    ),
    "jump": lambda seen, where: jump(seen.plain.keypoints_px, where),
    "implausible": lambda seen, where: implausibility(seen.plain.keypoints_px),
}
"""Name, as in `select.weights` -> the score (n, 17) of all joints."""


def person_mean(values: Floats) -> Scores:
    """Mean (n,) of what is known of each person's joints (n, j); NaN where nothing is."""
    known = ~np.isnan(values)
    total = np.where(known, values, 0.0).sum(axis=1)
    return np.where(known.any(axis=1), total / np.maximum(known.sum(axis=1), 1), np.nan)


def rank_fraction(values: Floats) -> Scores:
    """The share of the others that each value exceeds, ties counting half: 0 lowest .. 1 highest; NaN becomes 0.5.

    A single value becomes 0.5, too.
    """
    column = np.asarray(values, dtype=np.float64)
    is_number = ~np.isnan(column)
    fraction = np.full(len(column), 0.5)
    if is_number.sum() < 2:
        return fraction
    ordered = np.sort(column[is_number])
    below = np.searchsorted(ordered, column[is_number], side="left")
    not_above = np.searchsorted(ordered, column[is_number], side="right")
    fraction[is_number] = (below + not_above - 1) / 2 / (is_number.sum() - 1)
    return fraction


def combine_by_rank(scores: Mapping[str, Floats], weights: Mapping[str, float]) -> Scores:
    """Weighted mean of the scores' rank fractions (n,), 0..1.

    Ranks, because the scores share no unit, and the heavy tail of one would drown the others.

    Args:
        scores: name -> (n,), at least one.
        weights: name -> weight, one for every score, not negative, not all zero.
    """
    total = sum(weights[name] for name in scores)
    return np.asarray(sum(weights[name] * rank_fraction(values) for name, values in scores.items()) / total)
