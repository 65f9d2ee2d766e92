"""Which joints of two teachers to believe: pure arithmetic on their opinions.

A teacher vouches for a joint when it is confident and its answer on the mirrored image is the same. Two that vouch for
places too far apart dispute the joint. Whether one teacher's word is enough is the rule `FilterParams.vouching`. A
joint that is believed must also lie in the picture, and on the way between its neighbours in time.
All distances are shares of the person's size, the square root of the area of the box that they were found in.
"""

from dataclasses import dataclass, fields
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from dataengine.geometry.pixel_grid import within

# Why a joint was dropped, in the order of the tests; the reason is the first test that it fails.
KEPT, UNSURE, UNSTEADY, DISPUTED, LONE = "kept", "unsure", "unsteady", "disputed", "lone"
OUTSIDE, JUMPED = "outside", "jumped"
VERDICTS = (KEPT, UNSURE, UNSTEADY, DISPUTED, LONE, OUTSIDE, JUMPED)
# Who vouches for a joint, whatever becomes of it; DISPUTED is the fifth.
NOBODY, FIRST, SECOND, BOTH = "nobody", "first", "second", "both"
VOUCHERS = (NOBODY, FIRST, SECOND, BOTH, DISPUTED)
Vouching = Literal["agree", "either-unless-disputed"]


@dataclass(frozen=True, kw_only=True)
class FilterParams:
    """When a joint of a teacher is believed."""

    vouching: Vouching
    """Whose word a joint takes: `agree` both teachers', within `agreement_tolerance`; `either-unless-disputed` one's
    is enough, unless the other vouches for another place."""
    blazepose_confidence: float
    """Least confidence at which BlazePose is sure of a joint (its visibility x presence)."""
    fitted_confidence: float
    """Least confidence at which the fitted teacher is sure (probability that the joint lies near its answer)."""
    flip_tolerance: float
    """Largest distance between a teacher's answers on the image and on its mirror image, share of person size."""
    agreement_tolerance: float
    """Largest distance between the two teachers where both vouch, share of person size."""
    temporal_tolerance: float
    """Largest distance from where the joint would be on a straight way at constant speed between the frames before and
    after, share of person size."""
    min_joints: int
    """A person with fewer kept joints is dropped."""
    lone_teacher_trust: float
    """Trust in a joint that only one teacher vouches for: what it weighs in a loss. One on which both agree fully
    weighs 1."""


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
    vouched_by: NDArray[np.str_]  # (n, 17), each one of VOUCHERS
    kept: NDArray[np.bool_]  # (n,) people with enough joints
    trust: NDArray[np.float64]  # (n, 17) in each kept joint, 0..1; 0 for the others

    def take(self, rows: NDArray[np.int64]) -> "JointVerdict":
        """The verdict on some of the people."""
        return JointVerdict(*(getattr(self, f.name)[rows] for f in fields(self)))


@dataclass(frozen=True, eq=False)
class Placement:
    """Where and when n people were found."""

    bbox_xywh_px: NDArray[np.floating[Any]]  # (n, 4)
    picture_px: NDArray[np.int64]  # (n, 2) width and height of their pictures
    neighbour_rows: NDArray[np.int64]  # (n, 2) each person's row in the frames before and after, -1 for none
    time: NDArray[np.float64]  # (n,) of the frame, in a unit of the video's own

    @property
    def size_px(self) -> NDArray[np.float64]:
        """Size (n, 1) of each person."""
        return np.sqrt(np.asarray(self.bbox_xywh_px, dtype=np.float64)[:, 2:].prod(axis=1))[:, None]


def judge_joints(first: Opinion, second: Opinion, placed: Placement, params: FilterParams) -> JointVerdict:
    """Apply all filters to n people."""
    size = placed.size_px
    sure = [first.confidence >= params.blazepose_confidence, second.confidence >= params.fitted_confidence]
    steady = [opinion.flip_distance_px <= params.flip_tolerance * size for opinion in (first, second)]
    vouched = [a & b for a, b in zip(sure, steady, strict=True)]
    distance = np.linalg.norm(first.keypoints_px - second.keypoints_px, axis=2) / size
    vouched_by = vouchers(vouched, distance, params)
    lone = np.isin(vouched_by, (FIRST, SECOND)) & (params.vouching == "agree")
    points = merged(first, second, vouched)
    outside = ~within(points, placed.picture_px[:, None])
    reason = np.select(
        [~(sure[0] | sure[1]), vouched_by == NOBODY, vouched_by == DISPUTED, lone, outside],
        [UNSURE, UNSTEADY, DISPUTED, LONE, OUTSIDE],
        default=KEPT,
    )
    reason = without_jumps(points, reason, placed, params)
    accepted = reason == KEPT
    trust = np.where(accepted, joint_trust(distance, vouched_by, params), 0.0)
    return JointVerdict(points, reason, vouched_by, accepted.sum(axis=1) >= params.min_joints, trust)


def vouchers(vouched: list[NDArray[np.bool_]], distance: NDArray[np.float64], params: FilterParams) -> NDArray[np.str_]:
    """Who vouches for each joint (n, 17), given who vouches alone and how far apart the two answers are."""
    both = vouched[0] & vouched[1]
    cases = [both & (distance > params.agreement_tolerance), both, vouched[0], vouched[1]]
    return np.select(cases, [DISPUTED, BOTH, FIRST, SECOND], default=NOBODY)


def merged(first: Opinion, second: Opinion, vouched: list[NDArray[np.bool_]]) -> NDArray[np.float64]:
    """Joints (n, 17, 2): the mean of the teachers that vouch, by confidence; the first's where neither does."""
    pull = [np.where(v, o.confidence, 0.0)[..., None] for v, o in zip(vouched, (first, second), strict=True)]
    pull[0] = np.where(pull[0] + pull[1] > 0, pull[0], 1.0)
    return np.asarray((first.keypoints_px * pull[0] + second.keypoints_px * pull[1]) / (pull[0] + pull[1]))


def without_jumps(
    points: NDArray[np.float64], reason: NDArray[np.str_], placed: Placement, params: FilterParams
) -> NDArray[np.str_]:
    """`reason` (n, 17) with JUMPED for joints that are kept so far and off their way between their neighbours in time.

    A neighbour counts where it is believed: kept, or dropped for nothing but lying outside the picture.
    """
    believed = np.isin(reason, (KEPT, OUTSIDE))
    jumped = temporal_distance(points, believed, placed) > params.temporal_tolerance * placed.size_px
    return np.where((reason == KEPT) & jumped, JUMPED, reason)


def temporal_distance(
    points: NDArray[np.float64], believed: NDArray[np.bool_], placed: Placement
) -> NDArray[np.float64]:
    """Distance (n, 17) of each joint from where it would be, px, if it moved straight and at constant speed.

    That place lies between the same joint in the frames before and after, by the times of the three frames, which need
    not be evenly spaced. Only neighbours that are believed count; a joint without two of them has distance 0, since one
    neighbour cannot distinguish a mistake from motion.
    """
    rows = placed.neighbour_rows
    has_neighbour = (rows >= 0)[:, :, None] & believed[rows]  # (n, 2, 17)
    before, after = placed.time[rows].T
    span = np.where(after > before, after - before, 1.0)
    share = np.where(after > before, (placed.time - before) / span, 0.5)[:, None, None]
    expected = (1 - share) * points[rows[:, 0]] + share * points[rows[:, 1]]
    return np.where(has_neighbour.all(axis=1), np.linalg.norm(points - expected, axis=2), 0.0)


def joint_trust(
    distance: NDArray[np.float64], vouched_by: NDArray[np.str_], params: FilterParams
) -> NDArray[np.float64]:
    """Trust (n, 17) in 0..1: falls from 1 to `lone_teacher_trust`, which one teacher alone gets, as two move apart."""
    parted = np.clip(distance / params.agreement_tolerance, 0.0, 1.0)
    both = 1.0 - (1.0 - params.lone_teacher_trust) * parted
    return np.where(vouched_by == BOTH, both, params.lone_teacher_trust)
