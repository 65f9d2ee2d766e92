"""Who belongs to the slice that a request is about, among people that are not the test set.

Slices are cut exactly as the gate cuts them (`slice_builders`). What a number of a pose cluster means may have changed
since: `present_part` finds the present cluster that the example poses lie in.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np
from numpy.typing import NDArray

from dataengine.evaluation.analysis.slice_builders import (
    slices_by_crowding,
    slices_by_occlusion,
    slices_by_pose,
    slices_by_size,
    slices_by_truncation,
)
from dataengine.evaluation.analysis.slices import Slice
from dataengine.people import Images, People
from dataengine.poses.clusters import UNCLUSTERED
from dataengine.poses.training_poses import TrainingPoses
from dataengine.requests.record import PoseRequest

CLUSTER = "cluster"
BY_POSE = (CLUSTER, "rare", "novel")
_BUILDERS: Mapping[str, Callable[[People, Images], list[Slice]]] = {
    "size": slices_by_size,
    "occlusion": slices_by_occlusion,
    "overlaps": slices_by_crowding,
    "truncated": slices_by_truncation,
}
KINDS = (*BY_POSE, *_BUILDERS)
"""Kinds of slices that a request may be about: what holds of people wherever they are. Videos and sources do not."""
WITHOUT_LABELS = (*BY_POSE, "size", "overlaps", "truncated")
"""Those that can be seen without labels, by a network's answer and the box."""


def kind_of(part: str) -> str:
    """What a slice is cut by.

    >>> kind_of("cluster=3")
    'cluster'
    """
    return part.partition("=")[0]


def people_of_part(part: str, people: People, images: Images, poses: TrainingPoses | None) -> NDArray[np.bool_]:
    """Which of the people (n,) belong to the slice; nobody where its kind is unknown or takes `poses`."""
    kind = kind_of(part)
    nobody = np.zeros(len(people), dtype=bool)
    if not len(people):
        return nobody
    if kind in BY_POSE:
        slices = [] if poses is None else slices_by_pose(poses, people, images)
    else:
        slices = _BUILDERS[kind](people, images) if kind in _BUILDERS else []
    return next((each.people for each in slices if each.name == part), nobody)


def present_part(request: PoseRequest, poses: TrainingPoses | None) -> str:
    """The slice of a request as the present clusters name it, "" where they have none for it.

    A cluster's number holds while the clusters are the same; else, and for a request for just its poses, it is the
    cluster that most of the examples lie in.
    """
    part, by_cluster = request.asked.part, kind_of(request.asked.part) == CLUSTER
    if part and not by_cluster:
        return part
    if poses is None:
        return ""
    if by_cluster and request.asked.clusters_id == poses.clusters.id:
        return part
    cluster = poses.look_up(request.people.keypoints_px, request.people.visibility).cluster
    seen = cluster[cluster != UNCLUSTERED]
    return f"{CLUSTER}={np.bincount(seen).argmax()}" if len(seen) else ""
