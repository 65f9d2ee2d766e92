"""Trackers without anything learned: overlap of boxes, and OKS of poses, with the frame before."""

import numpy as np
from numpy.typing import NDArray

from dataengine.films.matching import matched
from dataengine.person_scale import AREA_OF_BOX

from .pair_signs import pairwise_oks
from .sightings import Sightings, person_sizes

MIN_OVERLAP = 0.3  # `pseudo-label.track_overlap`
MIN_OKS = 0.3
LONGEST_GAP_S = 0.4


class OverlapTracker:
    """Boxes of the last frame with people, matched for the greatest total overlap: what `label-video` does."""

    def __init__(self, min_overlap: float = MIN_OVERLAP, longest_gap_s: float = LONGEST_GAP_S) -> None:
        self._min_overlap, self._longest_gap_s = min_overlap, longest_gap_s
        self._before: Sightings | None = None
        self._ids = np.empty(0, dtype=np.int64)
        self._unused = 0

    def __call__(self, seen: Sightings, image_bgr: NDArray[np.uint8] | None = None) -> NDArray[np.int64]:
        """Track ids (n,)."""
        ids = np.full(len(seen), -1, dtype=np.int64)
        if self._before is not None and seen.time_s - self._before.time_s <= self._longest_gap_s:
            for i, j in self._pairs(self._before, seen):
                ids[j] = self._ids[i]
        new = np.flatnonzero(ids < 0)
        ids[new] = self._unused + np.arange(len(new))
        self._unused += len(new)
        self._before, self._ids = seen, ids
        return ids

    def _pairs(self, before: Sightings, seen: Sightings) -> list[tuple[int, int]]:
        return list(matched(before.boxes_xywh_px, seen.boxes_xywh_px, self._min_overlap))


class GreedyOksTracker(OverlapTracker):
    """Poses of the last frame with people, the most similar pair first: PoseTrack's usual baseline."""

    def _pairs(self, before: Sightings, seen: Sightings) -> list[tuple[int, int]]:
        size = np.sqrt(person_sizes(before.boxes_xywh_px)[:, None] * person_sizes(seen.boxes_xywh_px)[None])
        oks = pairwise_oks(before.keypoints_px, seen.keypoints_px, AREA_OF_BOX * size**2)
        pairs = []
        while oks.size and oks.max() >= MIN_OKS:
            i, j = np.unravel_index(int(oks.argmax()), oks.shape)
            pairs.append((int(i), int(j)))
            oks[i], oks[:, j] = -1, -1
        return pairs
