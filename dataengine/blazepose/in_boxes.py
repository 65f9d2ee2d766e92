"""BlazePose as a top-down network: the pose of the person in each box, without its detector."""

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from dataengine.crops.pixels import people_by_picture
from dataengine.geometry.pixel_grid import from_corner
from dataengine.keypoints import VISIBLE
from dataengine.people import JOINT_CONFIDENCE, JOINTS, Images, People
from dataengine.pictures.reading.decoding import read_picture
from dataengine.terminal.progress import track

from .landmarks import Landmarks
from .model import MIN_PRESENCE, BlazePose
from .roi import Roi

BOX_PADDING = 1.25


def poses_in_boxes(people: People, images: Images, models: Path, *, looks: int = 1) -> People:
    """`people` with BlazePose's joints in image pixels, all marked visible, and its mean confidence as the score.

    Extra column `joint_confidence` (n, 17) has the confidence of each joint, 0..1.

    The first look is at an upright square about the box. Every further one is at the region that the model itself
    asks for, turned along the body, as it does from frame to frame of a video; a look that sees nobody is not taken.

    Args:
        models: The folder of the models, which the stage fetch writes.

    Raises:
        InputError: a model is missing, or an image cannot be read.
    """
    blazepose = BlazePose(models)
    points = np.zeros((len(people), JOINTS, 2), dtype=np.float32)
    confidence = np.zeros((len(people), JOINTS), dtype=np.float32)
    pictures = people_by_picture(images.rows_of(people.image_id))
    for row, persons in track(pictures, "BlazePose", unit="image"):
        image = read_picture(str(images.path[row]))
        for person in persons:
            found = blazepose.landmarks(image, upright_region(people.bbox_xywh_px[person].astype(np.float64)))
            for _ in range(looks - 1):
                found = _looked_again(blazepose, image, found)
            points[person], confidence[person] = found.keypoints_px, found.confidence
    visible = np.full((len(people), JOINTS), VISIBLE, dtype=np.uint8)
    found_people = people.replace(keypoints_px=points, visibility=visible, score=confidence.mean(axis=1))
    return found_people.with_extra(JOINT_CONFIDENCE, confidence)


def upright_region(box_xywh_px: NDArray[np.float64]) -> Roi:
    """The upright square about a box (4,), with room around it."""
    x, y = from_corner(box_xywh_px[:2] + box_xywh_px[2:] / 2).tolist()
    return Roi(x, y, BOX_PADDING * max(*box_xywh_px[2:].tolist(), 1.0), 0.0)


def _looked_again(blazepose: BlazePose, image: NDArray[np.uint8], found: Landmarks) -> Landmarks:
    again = blazepose.landmarks(image, found.next_roi) if found.presence >= MIN_PRESENCE else found
    return again if again.presence >= MIN_PRESENCE else found
