"""Trackers of boxes from the library ``trackers``: ByteTrack, OC-SORT, BoT-SORT.

Zhang et al., "ByteTrack: Multi-Object Tracking by Associating Every Detection Box", ECCV 2022; Cao et al.,
"Observation-Centric SORT", CVPR 2023; Aharon et al., "BoT-SORT: Robust Associations Multi-Pedestrian Tracking", 2022.

The library asks for opencv-python, which must not lie in one environment with opencv-python-headless, so it is
installed without its dependencies; it finds everything that it uses here.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from dataengine.errors import EnvironmentFault

from .sightings import Sightings

CLASSES = {"bytetrack": "ByteTrackTracker", "oc-sort": "OCSORTTracker", "bot-sort": "BoTSORTTracker"}
INSTALL = "pip install --no-deps trackers==2.6.1 supervision==0.31.2 'pydeprecate<0.14' defusedxml"


def trackers_library() -> Any:
    """The library. EnvironmentFault where it is not installed."""
    try:
        import trackers
    except ImportError as error:
        raise EnvironmentFault("the library trackers is not installed", got=str(error), fix=INSTALL) from error
    return trackers


class BoxTracker:
    """One of `CLASSES`, on boxes and their scores, for films of `fps` frames a second."""

    def __init__(self, name: str, fps: float) -> None:
        """A person counts from the first frame on, as with the other trackers here; all else is the library's default.

        Raises EnvironmentFault where the library is not installed.
        """
        kind = getattr(trackers_library(), CLASSES[name])
        self._looks = name == "bot-sort"  # it takes the camera's motion from the pictures
        self._tracker: Any = kind(frame_rate=fps, minimum_consecutive_frames=1)

    def __call__(self, seen: Sightings, image_bgr: NDArray[np.uint8] | None = None) -> NDArray[np.int64]:
        """Track ids (n,); -1 for boxes that the tracker does not follow yet."""
        import supervision

        boxes = seen.boxes_xywh_px.astype(np.float32)
        detections = supervision.Detections(
            xyxy=np.concatenate([boxes[:, :2], boxes[:, :2] + boxes[:, 2:]], axis=1),
            confidence=seen.score.astype(np.float32),
            class_id=np.zeros(len(seen), dtype=int),
            data={"row": np.arange(len(seen))},
        )
        followed = self._tracker.update(detections, frame=image_bgr if self._looks else None)
        ids = np.full(len(seen), -1, dtype=np.int64)
        if len(followed):
            ids[followed.data["row"].astype(int)] = followed.tracker_id
        return ids
