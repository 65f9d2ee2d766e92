"""Who is who in two frames: people matched by how much their boxes overlap."""

from collections.abc import Iterator

from scipy.optimize import linear_sum_assignment

from dataengine.boxes import Boxes, pairwise_iou


def matched(before: Boxes, now: Boxes, min_overlap: float) -> Iterator[tuple[int, int]]:
    """Rows (i, j) of the same person among boxes (n, 4) and (m, 4), xywh px.

    They are matched for the greatest total overlap (Hungarian method); pairs below `min_overlap` stay apart.
    """
    overlap = pairwise_iou(before, now)
    for i, j in zip(*linear_sum_assignment(-overlap), strict=True):
        if overlap[i, j] >= min_overlap:
            yield int(i), int(j)
