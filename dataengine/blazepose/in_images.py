"""BlazePose on whole images: everybody whom its detector finds, or whom it follows from the frame before.

Each person is answered twice, on the image and on its mirror image; the closer the two answers, the more they are
trusted.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from dataengine.boxes import box_from_keypoints, box_iou, clip_boxes
from dataengine.geometry.pixel_grid import mirrored
from dataengine.keypoints import FLIP_INDEX, VISIBLE
from dataengine.people import JOINTS, Images, People
from dataengine.pictures.reading.decoding import read_picture
from dataengine.terminal.progress import track

from .landmarks import Landmarks
from .model import MIN_PRESENCE, BlazePose
from .roi import Roi

SAME_PERSON_OVERLAP = 0.5  # two regions led to one person


@dataclass(frozen=True, eq=False)
class Found:
    """A person that BlazePose found in an image."""

    image_row: int
    bbox_xywh_px: NDArray[np.float32]  # (4,) inside the image
    landmarks: Landmarks
    mirrored_px: NDArray[np.float32]  # (17, 2) its answer on the mirror image, mirrored back


def find_people(images: Images, model_folder: Path, *, max_gap: int) -> list[Found]:
    """Everybody that BlazePose finds, in the order of video and frame.

    Besides the detector's regions it looks where the people of the frame before, at most `max_gap` frames ago, would
    be: the detector needs a face, following somebody does not.
    """
    blazepose = BlazePose(model_folder)
    found_people: list[Found] = []
    before: list[Found] = []
    for row in track(np.lexsort([images.frame, images.video]), "BlazePose", total=len(images), unit="frame"):
        image = read_picture(str(images.path[row]))
        follows = _follows(images, before[0].image_row, int(row), max_gap) if before else False
        regions = [detection.roi for detection in blazepose.detect(image)]
        regions += [person.landmarks.next_roi for person in before] if follows else []
        before = _people_in(blazepose, image, int(row), regions)
        found_people += before
    return found_people


def detected_people(images: Images, model_folder: Path) -> People:
    """Everybody that BlazePose finds in each image by itself, in boxes around all its joints, with its presence."""
    return as_people(find_people(images, model_folder, max_gap=0), images)


def people_in_picture(blazepose: BlazePose, image_bgr: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Boxes (n, 4) of everybody in one picture (h, w, 3), as `detected_people` finds them."""
    regions = [detection.roi for detection in blazepose.detect(image_bgr)]
    found = _people_in(blazepose, image_bgr, 0, regions)
    return np.array([person.bbox_xywh_px for person in found], dtype=np.float32).reshape(-1, 4)


def _follows(images: Images, before: int, now: int, max_gap: int) -> bool:
    same = images.video[before] == images.video[now] != ""
    return bool(same and 0 < images.frame[now] - images.frame[before] <= max_gap)


def _people_in(blazepose: BlazePose, image: NDArray[np.uint8], row: int, regions: Iterable[Roi]) -> list[Found]:
    people: list[Found] = []
    for region in regions:
        landmarks = blazepose.landmarks(image, region)
        box = box_inside(landmarks.keypoints_px, image.shape[1::-1])
        earlier_boxes = [person.bbox_xywh_px for person in people]
        is_new = not earlier_boxes or box_iou(box, np.stack(earlier_boxes)).max() < SAME_PERSON_OVERLAP
        if landmarks.presence >= MIN_PRESENCE and box[2:].min() > 1 and is_new:
            people.append(Found(row, box, landmarks, mirrored_answer(blazepose, image, region)))
    return people


def box_inside(keypoints_px: NDArray[np.float32], size_px: tuple[int, ...]) -> NDArray[np.float32]:
    """Box (4,) to look for the person in, around all joints, sure or not; cut to the image of (width, height)."""
    box = box_from_keypoints(keypoints_px[None], np.full((1, JOINTS), VISIBLE))[0]
    return clip_boxes(box.astype(np.float64), size_px).astype(np.float32)


def mirrored_answer(blazepose: BlazePose, image: NDArray[np.uint8], region: Roi) -> NDArray[np.float32]:
    """The joints (17, 2) px that it sees in a region of the mirror image, mirrored back."""
    width = image.shape[1]
    center_x_px, center_y_px = mirrored(np.array([region.center_x_px, region.center_y_px]), width).tolist()
    turned = Roi(center_x_px, center_y_px, region.side_px, -region.angle_rad)
    points = blazepose.landmarks(np.ascontiguousarray(image[:, ::-1]), turned).keypoints_px[FLIP_INDEX]
    return mirrored(points, width).astype(np.float32)


def as_people(found_people: list[Found], images: Images) -> People:
    """`found_people` with BlazePose's joints."""
    n = len(found_people)
    return People.build(
        image_id=[int(images.id[person.image_row]) for person in found_people],
        bbox_xywh_px=np.array([person.bbox_xywh_px for person in found_people], dtype=np.float32).reshape(n, 4),
        keypoints_px=np.array([p.landmarks.keypoints_px for p in found_people], dtype=np.float32).reshape(n, JOINTS, 2),
        visibility=np.full((n, JOINTS), VISIBLE),
        score=np.array([person.landmarks.presence for person in found_people], dtype=np.float32),
        source="pseudo",
    )
