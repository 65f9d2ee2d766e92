"""Pictures for people: skeletons on images and sheets of tiles. Images are BGR uint8 (OpenCV's order)."""

from collections.abc import Sequence
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from dataengine.geometry.pixel_grid import pixel_of
from dataengine.keypoints import COCO_KEYPOINTS, COCO_SKELETON, OCCLUDED, UNLABELLED
from dataengine.people import People

BgrImage = NDArray[np.uint8]
Color = tuple[int, int, int]

# Colours that a colour-blind reader can distinguish (Okabe & Ito, "Color Universal Design", 2008), by the names
# that pages and plots use.
OKABE_ITO = {
    "black": "#000000",
    "orange": "#e69f00",
    "sky blue": "#56b4e9",
    "green": "#009e73",
    "yellow": "#f0e442",
    "blue": "#0072b2",
    "vermilion": "#d55e00",
    "purple": "#cc79a7",
}


def bgr(color: str) -> Color:
    """A colour such as "#0072b2" in OpenCV's order."""
    red, green, blue = bytes.fromhex(color.removeprefix("#"))
    return blue, green, red


LEFT_COLOR, RIGHT_COLOR, MIDDLE_COLOR = (bgr(OKABE_ITO[name]) for name in ("blue", "vermilion", "green"))


def _side_color(*joints: int) -> Color:
    names = [COCO_KEYPOINTS[joint] for joint in joints]
    if all(name.startswith("left") for name in names):
        return LEFT_COLOR
    return RIGHT_COLOR if all(name.startswith("right") for name in names) else MIDDLE_COLOR


def draw_people(image_bgr: BgrImage, people: People, color: Color | None = None) -> BgrImage:
    """A copy of the image with each person's skeleton; occluded joints are hollow. `color` overrides the sides'."""
    canvas = image_bgr.copy()
    thickness = max(1, round(max(canvas.shape[:2]) / 250))
    for points, flags in zip(people.keypoints_px, people.visibility, strict=True):
        pixels = pixel_of(points)
        for a, b in COCO_SKELETON:
            if flags[a] > UNLABELLED and flags[b] > UNLABELLED:
                ends = tuple(map(int, pixels[a])), tuple(map(int, pixels[b]))
                cv2.line(canvas, *ends, color or _side_color(a, b), thickness, cv2.LINE_AA)
        for joint in np.flatnonzero(flags > UNLABELLED):
            fill = 1 if flags[joint] == OCCLUDED else -1
            center = tuple(map(int, pixels[joint]))
            cv2.circle(canvas, center, thickness + 1, color or _side_color(int(joint)), fill, cv2.LINE_AA)
    return canvas


def part_around(image_bgr: BgrImage, bbox_xywh_px: NDArray[Any], margin: float) -> tuple[BgrImage, NDArray[np.float64]]:
    """The part of the image around a box, and the (x, y) px where it begins.

    `margin` is a share of the box's longer side. The part is cut at the image's edge; for a box outside the image
    the whole image is shown.
    """
    x, y, width, height = (float(v) for v in bbox_xywh_px)
    room = margin * max(width, height)
    left, top = max(0, int(x - room)), max(0, int(y - room))
    right, bottom = max(0, int(np.ceil(x + width + room))), max(0, int(np.ceil(y + height + room)))
    part = image_bgr[top:bottom, left:right]
    return (part, np.array([left, top], dtype=np.float64)) if part.size else (image_bgr, np.zeros(2))


def contact_sheet(
    images_bgr: Sequence[BgrImage],
    *,
    columns: int,
    tile: tuple[int, int],
    captions: Sequence[str] | None = None,
) -> BgrImage:
    """Tiles of `tile` = (width, height) pixels in rows of `columns`, each image fitted inside on dark grey."""
    width, height = tile
    rows = max(1, -(-len(images_bgr) // columns))
    sheet: BgrImage = np.full((rows * height, columns * width, 3), 32, dtype=np.uint8)
    for index, image in enumerate(images_bgr):
        row, column = divmod(index, columns)
        cell = sheet[row * height : (row + 1) * height, column * width : (column + 1) * width]
        _paste_fitted(cell, image)
        if captions:
            _caption(cell, captions[index])
    return sheet


def _paste_fitted(cell: NDArray[Any], image: BgrImage) -> None:
    scale = min(cell.shape[1] / image.shape[1], cell.shape[0] / image.shape[0])
    size = max(1, round(image.shape[1] * scale)), max(1, round(image.shape[0] * scale))
    fitted = cv2.resize(image, size, interpolation=cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR)
    top, left = (cell.shape[0] - size[1]) // 2, (cell.shape[1] - size[0]) // 2
    cell[top : top + size[1], left : left + size[0]] = fitted


def _caption(cell: NDArray[Any], text: str) -> None:
    origin = (4, cell.shape[0] - 6)
    for color, thickness in (((0, 0, 0), 3), ((255, 255, 255), 1)):  # a dark outline keeps it legible on any picture
        cv2.putText(cell, text, origin, cv2.FONT_HERSHEY_SIMPLEX, 0.4, color, thickness, cv2.LINE_AA)
