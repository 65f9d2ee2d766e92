"""People whom nobody labelled: those that BlazePose's detector sees where no label is."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from dataengine.boxes import box_from_keypoints, box_iou
from dataengine.keypoints import VISIBLE
from dataengine.people import JOINTS, Images, People
from dataengine.pictures.reading.decoding import read_picture
from dataengine.terminal.progress import track

from .hypotheses import Floats

LEAST_SCORE = 0.3  # of the detector; MediaPipe's own is 0.5, but here what is found is ranked
MOST_OVERLAP = 0.3  # IoU with a labelled person, from which on it is that person


@dataclass(frozen=True, eq=False)
class Sighting:
    """m people seen in pictures, labelled or not."""

    image_id: np.ndarray  # (m,)
    keypoints_px: Floats  # (m, 17, 2)
    chance: Floats  # (m,) 0..1: the detector's score times the landmark model's presence

    @property
    def bbox_xywh_px(self) -> Floats:
        """(m, 4) about the joints."""
        flags = np.full((len(self.image_id), JOINTS), VISIBLE)
        return box_from_keypoints(self.keypoints_px, flags).astype(np.float64)

    def take(self, rows: np.ndarray) -> "Sighting":
        """Some of them."""
        return Sighting(self.image_id[rows], self.keypoints_px[rows], self.chance[rows])


def sightings(images: Images, models: Path) -> Sighting:
    """Everybody whom BlazePose sees in `images`; `models` is the folder of its files."""
    from dataengine.blazepose.model import BlazePose

    blazepose = BlazePose(models)
    found = []
    for identity, path in track(zip(images.id, images.path, strict=True), "people", len(images), unit="image"):
        picture = read_picture(str(path))
        for detection in blazepose.detect(picture, LEAST_SCORE):
            pose = blazepose.landmarks(picture, detection.roi)
            found.append((identity, pose.keypoints_px, detection.score * pose.presence))
    return Sighting(
        np.array([f[0] for f in found], dtype=np.int64),
        np.array([f[1] for f in found], dtype=np.float64).reshape(-1, JOINTS, 2),
        np.array([f[2] for f in found], dtype=np.float64),
    )


def unlabelled_people(seen: Sighting, people: People) -> Sighting:
    """Those of `seen` who overlap nobody in `people`."""
    boxes, labelled = seen.bbox_xywh_px, people.bbox_xywh_px.astype(np.float64)
    free = [
        not len(theirs := labelled[people.image_id == identity]) or box_iou(box, theirs).max() < MOST_OVERLAP
        for box, identity in zip(boxes, seen.image_id, strict=True)
    ]
    return seen.take(np.flatnonzero(free))
