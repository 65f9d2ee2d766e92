"""The people by whom a device proves that it answers as this machine does: small pictures, each with one box.

Drawn figures show nobody, so they are the default; `people_of` takes a labelled set's.
"""

from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from dataengine.coco_json import read_project_people
from dataengine.crops.spec import CropSpec
from dataengine.errors import InputError
from dataengine.keypoints import COCO_SKELETON
from dataengine.people import Images, People
from dataengine.pictures.encoding import write_picture
from dataengine.pictures.reading.decoding import read_picture

SIDE_PX = 192  # of drawn pictures
MARGIN_PX = 4  # around the crop, so that averaging at its edge sees what it sees in the whole picture
_STANDING = np.array(
    [
        *([50, 10], [53, 8], [47, 8], [57, 10], [43, 10], [62, 25], [38, 25], [70, 40], [30, 40]),
        *([74, 54], [26, 54], [58, 55], [42, 55], [60, 75], [40, 75], [61, 95], [39, 95]),
    ],
    dtype=np.float64,
) / 100  # fmt: skip
"""Joints of a person in the unit square, order of COCO_KEYPOINTS."""


def drawn(folder: Path, count: int, seed: int) -> tuple[People, Images]:
    """`count` figures of thick limbs on a ground that fades from one colour to another, written to `folder` as PPM."""
    rng = np.random.default_rng(seed)
    pictures, boxes = [], []
    for _ in range(count):
        size = rng.uniform(90, 150)
        joints = rng.uniform(10, SIDE_PX - size - 10, 2) + (_STANDING + rng.normal(0, 0.03, (17, 2))) * size
        picture = np.empty((SIDE_PX, SIDE_PX, 3), dtype=np.uint8)
        picture[:] = np.linspace(rng.integers(0, 256, 3), rng.integers(0, 256, 3), SIDE_PX)[:, None]
        for one, other in COCO_SKELETON:
            color = [int(part) for part in rng.integers(0, 256, 3)]
            (x0, y0), (x1, y1) = joints[[one, other]].round().astype(int).tolist()
            cv2.line(picture, (x0, y0), (x1, y1), color, 6)
        pictures.append(picture)
        low, high = joints.min(axis=0) - 6, joints.max(axis=0) + 6
        boxes.append([*low, *(high - low)])
    return _written(folder, pictures, np.array(boxes))


def people_of(path: Path, folder: Path, count: int, spec: CropSpec) -> tuple[People, Images]:
    """`count` people spread over a labelled set: only the part of each picture that their crop shows is written.

    Raises:
        InputError: the set is malformed, or has nobody in it.
    """
    people, images = read_project_people(path)
    if not len(people):
        raise InputError(f"{path} has nobody in it", expected="people by whom the device proves itself")
    rows = np.unique(np.linspace(0, len(people) - 1, min(count, len(people))).astype(int))
    pictures, boxes = [], []
    for row in rows.tolist():
        picture = read_picture(str(images.path[images.rows_of(people.image_id[[row]])[0]]))
        part, box = _part(picture, people.bbox_xywh_px[row].astype(np.float64), spec)
        pictures.append(part)
        boxes.append(box)
    return _written(folder, pictures, np.array(boxes))


def crop_steps_px(boxes_xywh_px: NDArray[np.floating], spec: CropSpec) -> NDArray[np.float64]:
    """Picture pixels in a pixel of each person's crop (n,)."""
    sides = np.asarray(boxes_xywh_px, dtype=np.float64)[:, 2:] * spec.padding
    return (sides / [spec.width_px, spec.height_px]).max(axis=1)


def _part(
    picture: NDArray[np.uint8], box: NDArray[np.float64], spec: CropSpec
) -> tuple[NDArray[np.uint8], list[float]]:
    """What the crop shows of a picture, and the box in it."""
    step = crop_steps_px(box[None], spec)[0]
    reach = step * np.array([spec.width_px, spec.height_px]) / 2 + MARGIN_PX * max(step, 1)
    middle = box[:2] + box[2:] / 2
    limit = np.array(picture.shape[1::-1])
    low = np.clip(np.floor(middle - reach), 0, limit - 1).astype(int)
    high = np.clip(np.ceil(middle + reach), low + 1, limit).astype(int)
    return picture[low[1] : high[1], low[0] : high[0]], [*(box[:2] - low), *box[2:]]


def _written(folder: Path, pictures: list[NDArray[np.uint8]], boxes: NDArray[np.float64]) -> tuple[People, Images]:
    folder.mkdir(parents=True)
    paths = [str(folder / f"{number}.ppm") for number in range(len(pictures))]
    for path, picture in zip(paths, pictures, strict=True):
        write_picture(Path(path), np.ascontiguousarray(picture))
    ids = np.arange(1, len(pictures) + 1)
    width, height = ([picture.shape[axis] for picture in pictures] for axis in (1, 0))
    unlabelled = np.zeros((len(ids), 17, 2)), np.zeros((len(ids), 17), dtype=int)
    people = People.build(image_id=ids, bbox_xywh_px=boxes, keypoints_px=unlabelled[0], visibility=unlabelled[1])
    return people, Images.build(id=ids, path=paths, width=width, height=height)
