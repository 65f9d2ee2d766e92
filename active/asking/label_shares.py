"""What open requests get of the label budget: which candidates each is about, and how much of the budget.

A request about a slice that can be seen without labels (poses, size, overlaps, truncation) gets the images in which the
student sees somebody of the slice. Whether joints are occluded is not known without labels, so such a request gets
renders alone.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from dataengine.people import Images, People
from dataengine.poses.training_poses import TrainingPoses
from dataengine.requests.record import PoseRequest

from ..query.picking import Candidates, RequestedShare
from .parts import WITHOUT_LABELS, kind_of, people_of_part, present_part


def requested_shares(
    requests: Sequence[PoseRequest],
    choice: Candidates,
    scored: People,
    images: Images,
    poses: TrainingPoses | None,
    *,
    costs: NDArray[np.float64],
    most: float,
) -> list[RequestedShare]:
    """A share for each request that asks for labels and that some candidate serves.

    Each gets what its labels cost at the mean cost of its candidates, all of them together at most `most`, in the unit
    of the costs (c,).
    """
    found = []
    for request in requests:
        serving = _serving(request, choice, scored, images, poses) if request.asked.labels else np.zeros(0, dtype=bool)
        if serving.any():
            found.append(RequestedShare(request.id, serving, request.asked.labels * float(costs[serving].mean())))
    wanted = sum(share.budget for share in found)
    scale = min(1.0, most / wanted) if wanted else 1.0
    return [RequestedShare(share.request, share.candidates, share.budget * scale) for share in found]


def _serving(
    request: PoseRequest, choice: Candidates, scored: People, images: Images, poses: TrainingPoses | None
) -> NDArray[np.bool_]:
    """The candidate images (c,) that show somebody of the request's slice."""
    part = present_part(request, poses)
    if kind_of(part) not in WITHOUT_LABELS:
        return np.zeros(len(choice.score), dtype=bool)
    rows = images.rows_of(scored.image_id[people_of_part(part, scored, images, poses)])
    return np.isin(choice.image_row, rows)


def request_words(request: PoseRequest) -> str:
    """Why a pick is in the selection, where a request asked for it."""
    what = request.asked.part or "these poses"
    return f"asked for by request {request.id} ({what}, {request.asked.asked_by} of round {request.asked.round})"
