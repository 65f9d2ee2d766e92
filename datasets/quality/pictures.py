"""Pictures of what the checks doubt: people with their labels and near duplicates, for the page or on one sheet."""

from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np

from dataengine.crops.spec import CropSpec, apply_affine, crop_matrix, extract_crop
from dataengine.draw import BgrImage, contact_sheet, draw_people
from dataengine.people import Images, People
from dataengine.pictures.encoding import data_uri, write_picture
from dataengine.pictures.reading.decoding import read_picture

SIDE_PX = 176
QUALITY = 72
SHEET_COLUMNS = 6
ROOM = 1.35  # around the box: what surrounds a joint shows whether it is wrong


def person_picture(people: People, images: Images, row: int, *, photograph: bool = True) -> BgrImage:
    """The person in `row`, cut out and drawn with its labelled joints: left blue, right orange; on white
    without `photograph`."""
    person = people.take([row])
    spec = CropSpec(SIDE_PX, SIDE_PX, ROOM)
    matrix = crop_matrix(np.maximum(person.bbox_xywh_px, (-np.inf, -np.inf, 1, 1)), spec)
    pixels = np.full((SIDE_PX, SIDE_PX, 3), 255, np.uint8)
    if photograph:
        pixels = extract_crop(read_picture(str(images.path[images.rows_of(person.image_id)[0]])), matrix[0], spec)
    return draw_people(
        pixels, person.replace(keypoints_px=apply_affine(matrix, person.keypoints_px).astype(np.float32))
    )


def small_picture(path: str | Path) -> BgrImage:
    """The whole image, shrunk to fit SIDE_PX."""
    image = read_picture(path)
    scale = min(1.0, SIDE_PX / max(image.shape[:2]))
    size = max(1, round(image.shape[1] * scale)), max(1, round(image.shape[0] * scale))
    return np.asarray(cv2.resize(image, size, interpolation=cv2.INTER_AREA), dtype=np.uint8)


def inlined(picture: BgrImage) -> str:
    """The picture as a data: URI of a small JPEG."""
    return data_uri(picture, quality=QUALITY)


def write_sheet(
    path: Path, people: People, images: Images, rows: Sequence[int], captions: Sequence[str], photographs: bool
) -> None:
    """The people in `rows` on one sheet, six per row."""
    pictures = [person_picture(people, images, row, photograph=photographs) for row in rows]
    sheet = contact_sheet(pictures, columns=SHEET_COLUMNS, tile=(SIDE_PX, SIDE_PX), captions=captions)
    write_picture(path, sheet)
