"""Needs from selection: pose clusters in which the student is expected to lose more OKS than in the rest of the pool.

The picks themselves go to people anyway; what is asked for here is renders like those poses, and a share of the next
labels. Examples are people of the pool, as the student sees them, and of training.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from dataengine.poses.clusters import UNCLUSTERED
from dataengine.poses.training_poses import TrainingPoses

from .need import Need, rarity
from .parts import CLUSTER
from .request_params import RequestParams
from .shown_people import ShownPeople


def needs_of_selection(known: ShownPeople, poses: TrainingPoses | None, params: RequestParams) -> Iterator[Need]:
    """A need for each cluster of `params.min_people` people who lose `params.min_gap` more than the pool."""
    if poses is None:
        return
    pool, training = known.rows_from("pool"), known.rows_from("train")
    cluster = poses.look_up(known.people.keypoints_px, known.people.visibility).cluster
    seen = pool & (cluster != UNCLUSTERED)
    if not seen.any():
        return
    mean = float(known.loss[seen].mean())
    for number in np.unique(cluster[seen]).tolist():
        own = seen & (cluster == number)
        above = float(known.loss[own].mean()) - mean
        if own.sum() < params.min_people or above < params.min_gap:
            continue
        share = float(np.mean(cluster[training] == number)) if training.any() else 0.0
        yield Need(
            asked_by="selection",
            part=f"{CLUSTER}={number}",
            weight=above * rarity(cluster[training] == number),
            reason=(
                f"{mean + above:.3f} of OKS likely lost on {own.sum()} people of the pool in {CLUSTER} {number}, "
                f"{above:.3f} above the rest; {share:.1%} of the training people are like them"
            ),
            evidence={"loss": round(mean + above, 6), "loss_of_pool": round(mean, 6), "people": int(own.sum())},
        )
