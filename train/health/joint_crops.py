"""Pictures of single joints, accepted and rejected ones: a part of the frame around each, the joint marked."""

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from dataengine.crops.spec import CropSpec, crop_matrix, extract_crop
from dataengine.draw import OKABE_ITO, BgrImage, bgr
from dataengine.people import Images, People
from dataengine.pictures.reading.decoding import read_picture

REACH = 0.35  # half of the part's side, of the square root of the person's box
SIDE_PX = 112
GOOD, BAD = bgr(OKABE_ITO["green"]), bgr(OKABE_ITO["vermilion"])


@dataclass(frozen=True)
class JointAt:
    """One joint of one person."""

    row: int
    joint: int


def spread_over(chosen: NDArray[np.bool_], count: int, rng: np.random.Generator) -> list[JointAt]:
    """`count` of the chosen joints (n, 17), by chance, each kind in its turn; all where there are fewer."""
    queues = [rng.permutation(np.flatnonzero(column)).tolist() for column in chosen.T]
    picked: list[JointAt] = []
    for rank in range(max(map(len, queues), default=0)):
        picked += [JointAt(queue[rank], joint) for joint, queue in enumerate(queues) if rank < len(queue)]
        if len(picked) >= count:
            break
    return picked[:count]


def joint_crops(
    people: People, images: Images, keypoints_px: NDArray[np.floating], joints: Sequence[JointAt], accepted: bool
) -> list[BgrImage]:
    """A picture of `SIDE_PX` a side for each of `joints`, whose places are `keypoints_px` (n, 17, 2)."""
    rows = images.rows_of(people.image_id)
    pictures: list[BgrImage] = [np.zeros((SIDE_PX, SIDE_PX, 3), np.uint8)] * len(joints)
    color = GOOD if accepted else BAD
    spec = CropSpec(SIDE_PX, SIDE_PX, padding=1.0)
    order = sorted(range(len(joints)), key=lambda number: int(rows[joints[number].row]))
    read, image = -1, None
    for number in order:
        at = joints[number]
        if image is None or read != rows[at.row]:
            read, image = int(rows[at.row]), read_picture(str(images.path[rows[at.row]]))
        x, y = keypoints_px[at.row, at.joint].tolist()
        reach = max(REACH * float(np.sqrt(people.bbox_xywh_px[at.row, 2:].astype(np.float64).prod())), 4.0)
        box = np.array([[x - reach + 0.5, y - reach + 0.5, 2 * reach, 2 * reach]])
        part = extract_crop(image, crop_matrix(box, spec)[0], spec)
        middle = (SIDE_PX // 2, SIDE_PX // 2)
        pictures[number] = np.asarray(cv2.circle(part.copy(), middle, 5, color, 2, cv2.LINE_AA), dtype=np.uint8)
    return pictures
