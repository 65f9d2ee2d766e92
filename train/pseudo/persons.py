"""Whole people who are dropped, each with the first reason that holds."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from dataengine.keypoints import UNLABELLED, VISIBLE
from dataengine.mistakes.limb_lengths import limb_excess
from dataengine.people import People

from .filters import DISPUTED, KEPT, JointVerdict

# Why a person was dropped, in the order of the tests; "" for one that was kept.
STAYS, FEW_JOINTS, LIMBS, TRACK_BREAK, DISAGREEMENT = "", "few_joints", "limbs", "track_break", "disagreement"
PERSON_REASONS = (FEW_JOINTS, LIMBS, TRACK_BREAK, DISAGREEMENT)


@dataclass(frozen=True, kw_only=True)
class PersonParams:
    """When a whole person is dropped."""

    max_limb_excess: float
    """One whose longest limb, of those whose joints are kept, is more than this many times as long as the rest of the
    body allows; 0 drops nobody."""
    min_track_frames: int
    """One of a film who is followed over fewer frames, where that many follow each other within `max_gap`."""
    max_disputed_share: float
    """A person with a larger share of disputed joints is dropped: the teachers see different people."""


def person_reasons(
    people: People,
    verdict: JointVerdict,
    params: PersonParams,
    *,
    followed: NDArray[np.int64],
    shown: NDArray[np.int64],
) -> NDArray[np.str_]:
    """Why each of n people is dropped (n,), one of `PERSON_REASONS`; "" for those that stay.

    Args:
        people: Who was found.
        verdict: What is believed of their joints; those with too few of them are not `kept`.
        params: When a person is dropped.
        followed: Over how many frames each is followed.
        shown: How many frames follow each other closely enough to follow anybody, around each.
    """
    if not len(people):
        return np.empty(0, dtype="<U12")
    kept = verdict.reason == KEPT
    posed = people.replace(
        keypoints_px=verdict.keypoints_px.astype(np.float32),
        visibility=np.where(kept, VISIBLE, UNLABELLED).astype(np.uint8),
    )
    excess = np.nan_to_num(limb_excess(posed)[0]) if params.max_limb_excess else np.zeros(len(people))
    tests = [
        ~verdict.kept,
        excess > params.max_limb_excess,
        followed < np.minimum(params.min_track_frames, shown),
        (verdict.vouched_by == DISPUTED).mean(axis=1) > params.max_disputed_share,
    ]
    return np.select(tests, PERSON_REASONS, default=STAYS)
