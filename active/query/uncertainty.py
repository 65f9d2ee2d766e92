"""How unsure a model is of a person's keypoints: plain functions, one number per person, higher = less sure.

Each takes arrays over n people and their joints and returns (n,) float64; NaN where it cannot be computed.
`combine_by_rank` combines several, whose units cannot be compared, into one score in 0..1.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dataengine.evaluation.ap.oks_formula import joint_similarities, mean_similarity
from dataengine.evaluation.ap.protocol import COCO, OksProtocol
from dataengine.keypoints import UNLABELLED

Floats = NDArray[np.floating[Any]]


def box_size_px(bbox_xywh_px: Floats) -> NDArray[np.float64]:
    """Square root of the box's area (n,), at least one pixel."""
    boxes = np.asarray(bbox_xywh_px, dtype=np.float64)
    return np.sqrt(np.maximum(boxes[:, 2] * boxes[:, 3], 1.0))


def spread(spread_px: Floats, bbox_xywh_px: Floats) -> NDArray[np.float64]:
    """Mean width of the joints' predicted distributions (n, j), as a share of the box's size."""
    return np.asarray(spread_px, dtype=np.float64).mean(axis=1) / box_size_px(bbox_xywh_px)


def entropy(normalised_entropy: Floats) -> NDArray[np.float64]:
    """Mean normalised entropy, 0..1, of the joints' predicted distributions (n, j): high where flat or many-peaked."""
    return np.asarray(normalised_entropy, dtype=np.float64).mean(axis=1)


def flip_disagreement(keypoints_px: Floats, flipped_px: Floats, bbox_xywh_px: Floats) -> NDArray[np.float64]:
    """Mean distance between the keypoints (n, j, 2) of the image and of its mirror image, mapped back.

    As a share of the box's size. A model that knows the pose gives the same answer twice.
    """
    difference = np.asarray(keypoints_px, dtype=np.float64) - np.asarray(flipped_px, dtype=np.float64)
    return np.linalg.norm(difference, axis=2).mean(axis=1) / box_size_px(bbox_xywh_px)


def teacher_disagreement(
    keypoints_px: Floats,
    teacher_px: Floats,
    teacher_visibility: NDArray[np.integer[Any]],
    area_px2: Floats,
    protocol: OksProtocol = COCO,
) -> NDArray[np.float64]:
    """1 - OKS between student and teacher (n, 17, 2) over the joints that the teacher labelled, 0 (same) .. 1.

    `area_px2` (n,) is the scale squared. NaN where the teacher labelled nothing.
    """
    labelled = np.asarray(teacher_visibility) > UNLABELLED
    similarity = joint_similarities(keypoints_px, teacher_px, np.maximum(area_px2, 1.0), protocol.sigmas)
    return np.where(labelled.any(axis=1), 1 - mean_similarity(similarity, labelled), np.nan)


def rank_fraction(values: Floats) -> NDArray[np.float64]:
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


def combine_by_rank(scores: Mapping[str, Floats], weights: Mapping[str, float]) -> NDArray[np.float64]:
    """Weighted mean of the scores' rank fractions (n,), 0..1.

    Ranks, because the scores share no unit, and the heavy tail of one would drown the others.

    Args:
        scores: name -> (n,) as the functions above return them.
        weights: name -> weight, one for every score, not negative, not all zero.
    """
    total = sum(weights[name] for name in scores)
    return np.asarray(sum(weights[name] * rank_fraction(values) for name, values in scores.items()) / total)
