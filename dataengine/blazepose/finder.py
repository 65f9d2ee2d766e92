"""BlazePose as a detector for films: the boxes of everybody in a frame, one frame after the other.

Its detector needs a face, so people of the frame before are looked for where they would be now, too. The landmark model
draws each box; its joints serve nothing else here.
"""

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from dataengine.boxes import box_iou

from .in_boxes import upright_region
from .in_images import SAME_PERSON_OVERLAP, box_inside
from .landmarks import Landmarks
from .model import MIN_PRESENCE, BlazePose
from .roi import Roi

LEAST_SIDE_PX = 2


class PersonFinder:
    """Called with one frame after the other; `regions` is all that it remembers."""

    def __init__(self, models: Path, threads: int = 2) -> None:
        """Raises InputError when the folder `models` lacks a model."""
        self._blazepose = BlazePose(models, threads)
        self.regions: list[Roi] = []
        """Where the people of the last frame would be in the next."""

    def __call__(self, image_bgr: NDArray[np.uint8]) -> NDArray[np.float64]:
        """Boxes (n, 4) xywh of the people in a frame (h, w, 3), cut to it."""
        regions = [detection.roi for detection in self._blazepose.detect(image_bgr)] + self.regions
        boxes, self.regions = self._people_in(image_bgr, regions)
        return boxes

    def near(self, image_bgr: NDArray[np.uint8], boxes_xywh_px: NDArray[np.float64]) -> NDArray[np.float64]:
        """Boxes (n, 4) of the people whom the landmark model sees in the boxes (m, 4); the detector is not asked.

        What the finder remembers stays as it is.
        """
        return self._people_in(image_bgr, [upright_region(box) for box in boxes_xywh_px])[0]

    def _people_in(self, image_bgr: NDArray[np.uint8], regions: list[Roi]) -> tuple[NDArray[np.float64], list[Roi]]:
        """Everybody in the regions once, and where each would be in the next frame."""
        boxes: list[NDArray[np.float32]] = []
        found: list[Landmarks] = []
        for region in regions:
            landmarks = self._blazepose.landmarks(image_bgr, region)
            box = box_inside(landmarks.keypoints_px, image_bgr.shape[1::-1])
            is_new = not boxes or box_iou(box, np.stack(boxes)).max() < SAME_PERSON_OVERLAP
            if landmarks.presence >= MIN_PRESENCE and box[2:].min() >= LEAST_SIDE_PX and is_new:
                boxes.append(box)
                found.append(landmarks)
        return np.array(boxes, dtype=np.float64).reshape(-1, 4), [landmarks.next_roi for landmarks in found]
