"""Several teachers' answers to one: where a joint is, who vouches for it, and what the teachers say together.

A teacher vouches for a joint that, by what was learned of this teacher, is more likely right than wrong. Two that vouch
for places further apart than `agreement_tolerance` cannot both be right: they dispute the joint.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import logit

from ..pseudo.filters import Opinion
from .evidence import BLUR, LEAST_CONFIDENCE

VOUCHES_FROM = 0.5  # more likely right than wrong


@dataclass(frozen=True, eq=False)
class Fused:
    """The answer of k teachers about n people."""

    keypoints_px: NDArray[np.float64]  # (n, 17, 2)
    vouched: NDArray[np.bool_]  # (k, n, 17) which teachers vouch
    disputed: NDArray[np.bool_]  # (n, 17)
    signs: NDArray[np.float64]  # (n, 17, d) of the answer


def fuse(
    opinions: Sequence[Opinion],
    probability: NDArray[np.float64],
    size_px: NDArray[np.floating],
    *,
    agreement_tolerance: float,
) -> Fused:
    """One answer from k `opinions` whose joints are right with `probability` (k, n, 17), of people of `size_px` (n, 1).

    The place is the mean, by probability, of the teachers that vouch; where none does, that of the likeliest. The signs
    are the log odds of each teacher's joint and, from two teachers on, the logarithm of the largest distance between
    any two answers as a share of the person's size.
    """
    points = np.stack([opinion.keypoints_px for opinion in opinions]).astype(np.float64)
    vouched = probability >= VOUCHES_FROM
    likeliest = np.arange(len(opinions))[:, None, None] == probability.argmax(axis=0)
    pull = np.where(vouched.any(axis=0), vouched * probability, likeliest)[..., None]
    place = (points * pull).sum(axis=0) / pull.sum(axis=0)
    odds = logit(np.clip(probability, LEAST_CONFIDENCE, 1 - LEAST_CONFIDENCE))
    signs = list(odds)
    disputed = np.zeros(vouched.shape[1:], dtype=bool)
    if len(opinions) > 1:
        apart = np.linalg.norm(points[:, None] - points[None], axis=-1) / size_px
        both = vouched[:, None] & vouched[None]
        disputed = (both & (apart > agreement_tolerance)).any(axis=(0, 1))
        signs.append(np.log(apart.max(axis=(0, 1)) + BLUR))
    return Fused(place, vouched, disputed, np.stack(signs, axis=-1))
