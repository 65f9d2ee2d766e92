"""Track ids by association on keypoints, over those that overlap gave."""

from dataclasses import replace

import numpy as np

from dataengine.films.detectors import Memory
from dataengine.tracking.association import Association
from dataengine.tracking.pose_tracker import PoseTracker
from dataengine.tracking.sightings import LIMBS, Sightings

from .chunks import Chunk


class JointFollower:
    """Called with one chunk after the other; it goes by the joints of the first teacher.

    Frames are gone once a chunk is whole, so colours play no part.
    """

    def __init__(self, association: Association, memory: Memory) -> None:
        """`memory` is what `memory` gave at the end of the chunk before; empty at a film's start."""
        self._tracker = PoseTracker(association)
        self._tracker.remember(memory)

    def __call__(self, chunk: Chunk) -> Chunk:
        """The chunk with the identities of its people."""
        track_id = chunk.track_id.copy()
        said = chunk.opinions[0]
        for at, time_s in enumerate(chunk.time_s.tolist()):
            rows = np.flatnonzero(chunk.at == at)
            unseen = np.full((len(rows), len(LIMBS), 3), np.nan)
            boxes, points = chunk.boxes_xywh_px[rows], said.keypoints_px[rows]
            seen = Sightings(time_s, points, said.confidence[rows], boxes, np.ones(len(rows)), unseen)
            track_id[rows] = self._tracker(seen)
        return replace(chunk, track_id=track_id)

    def memory(self) -> Memory:
        """What the next chunk needs."""
        return self._tracker.memory()
