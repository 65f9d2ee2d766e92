"""Which joints of two teachers to believe: pure arithmetic on their opinions.

A teacher vouches for a joint when it is confident and its answer on the mirrored image is the same. A joint is kept
when a teacher vouches for it, when both do and agree, and when it lies about where its neighbours in time do.
All distances are shares of the person's size, the square root of the area of the box that they were found in.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

# Why a joint was dropped, in the order of the tests; the reason is the first test that it fails.
KEPT, UNSURE, UNSTEADY, DISPUTED, JUMPED = "kept", "unsure", "unsteady", "disputed", "jumped"
VERDICTS = (KEPT, UNSURE, UNSTEADY, DISPUTED, JUMPED)


@dataclass(frozen=True, kw_only=True)
class FilterParams:
    """When a joint of a teacher is believed."""

    blazepose_confidence: float
    """Least confidence at which BlazePose is sure of a joint (its visibility x presence)."""
    fitted_confidence: float
    """Least confidence at which the fitted teacher is sure (probability that the joint lies near its answer)."""
    flip_tolerance: float
    """Largest distance between a teacher's answers on the image and on its mirror image, share of person size."""
    agreement_tolerance: float
    """Largest distance between the two teachers where both vouch, share of person size."""
    temporal_tolerance: float
    """Largest distance from the mean of the same joint in the frames before and after, share of person size."""
    min_joints: int
    """A person with fewer kept joints is dropped."""
    lone_teacher_trust: float
    """Trust in a joint that only one teacher vouches for; a joint on which both agree fully has 1."""


@dataclass(frozen=True, eq=False)
class Opinion:
    """What one teacher says about n people."""

    keypoints_px: NDArray[np.float64]  # (n, 17, 2)
    confidence: NDArray[np.float64]  # (n, 17) 0..1
    flip_distance_px: NDArray[np.float64]  # (n, 17) between the answers on image and mirror image


@dataclass(frozen=True, eq=False)
class JointVerdict:
    """What is believed about n people."""

    keypoints_px: NDArray[np.float64]  # (n, 17, 2); where nobody vouches, the first teacher's
    reason: NDArray[np.str_]  # (n, 17), each one of VERDICTS
    kept: NDArray[np.bool_]  # (n,) people with enough joints
    weight: NDArray[np.float64]  # (n,) mean trust in the kept joints, 0..1


def judge_joints(
    first: Opinion,
    second: Opinion,
    bbox_xywh_px: NDArray[np.floating[Any]],
    neighbour_rows: NDArray[np.int64],
    params: FilterParams,
) -> JointVerdict:
    """Apply all filters. `neighbour_rows` (n, 2) is each person's row in the frames before and after, -1 for none."""
    size = np.sqrt(np.asarray(bbox_xywh_px, dtype=np.float64)[:, 2:].prod(axis=1))[:, None]
    sure = [first.confidence >= params.blazepose_confidence, second.confidence >= params.fitted_confidence]
    steady = [opinion.flip_distance_px <= params.flip_tolerance * size for opinion in (first, second)]
    vouched = [a & b for a, b in zip(sure, steady, strict=True)]
    distance = np.linalg.norm(first.keypoints_px - second.keypoints_px, axis=2) / size
    disputed = vouched[0] & vouched[1] & (distance > params.agreement_tolerance)
    points = merged(first, second, vouched)
    believed = (vouched[0] | vouched[1]) & ~disputed
    jumped = temporal_distance(points, believed, neighbour_rows) > params.temporal_tolerance * size
    reason = np.select([~(sure[0] | sure[1]), ~(vouched[0] | vouched[1]), disputed, jumped], VERDICTS[1:], default=KEPT)
    trust = joint_trust(distance, vouched, params)
    accepted = reason == KEPT
    count = accepted.sum(axis=1)
    weight = np.where(accepted, trust, 0.0).sum(axis=1) / np.maximum(count, 1)
    return JointVerdict(points, reason, count >= params.min_joints, weight)


def merged(first: Opinion, second: Opinion, vouched: list[NDArray[np.bool_]]) -> NDArray[np.float64]:
    """Joints (n, 17, 2): the mean of the teachers that vouch, by confidence; the first's where neither does."""
    pull = [np.where(v, o.confidence, 0.0)[..., None] for v, o in zip(vouched, (first, second), strict=True)]
    pull[0] = np.where(pull[0] + pull[1] > 0, pull[0], 1.0)
    return np.asarray((first.keypoints_px * pull[0] + second.keypoints_px * pull[1]) / (pull[0] + pull[1]))


def temporal_distance(
    points: NDArray[np.float64], believed: NDArray[np.bool_], neighbour_rows: NDArray[np.int64]
) -> NDArray[np.float64]:
    """Distance (n, 17) of each joint from the mean of the same joint in the frames before and after, px.

    Only neighbours that are believed count; a joint without two of them has distance 0, since one neighbour cannot
    distinguish a mistake from motion.
    """
    has_neighbour = (neighbour_rows >= 0)[:, :, None] & believed[neighbour_rows]  # (n, 2, 17)
    middle = points[neighbour_rows].mean(axis=1)
    return np.where(has_neighbour.all(axis=1), np.linalg.norm(points - middle, axis=2), 0.0)


def joint_trust(
    distance: NDArray[np.float64], vouched: list[NDArray[np.bool_]], params: FilterParams
) -> NDArray[np.float64]:
    """Trust (n, 17) in 0..1: falls from 1 to `lone_teacher_trust`, which one teacher alone gets, as two move apart."""
    parted = np.clip(distance / params.agreement_tolerance, 0.0, 1.0)
    both = 1.0 - (1.0 - params.lone_teacher_trust) * parted
    return np.where(vouched[0] & vouched[1], both, params.lone_teacher_trust)
