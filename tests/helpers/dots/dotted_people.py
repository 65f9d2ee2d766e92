"""People drawn as seventeen dots, each joint in a colour of its own, placed to a fraction of a pixel."""

from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from dataengine.people import Images, People

GROUND = 0  # the edge of a dot is a darker shade of its own colour, and nobody else's
# Red is always full and blue never: red and blue exchanged are no joint's colours.
COLOURS_RGB: NDArray[np.float64] = np.array(
    [(255, green, blue) for green in (0, 60, 120, 180, 240) for blue in (0, 45, 90, 135)][:17], dtype=np.float64
)
_POSE = np.array(
    [
        *([50, 12], [60, 3], [40, 3], [74, 9], [26, 9], [70, 24], [30, 24], [88, 40], [12, 40]),
        *([98, 56], [2, 56], [62, 54], [38, 54], [66, 76], [34, 76], [70, 98], [30, 98]),
    ],
    dtype=np.float64,
) / 100  # fmt: skip
DOT_SHARE = 1 / 34  # of the box's longer side: a dot's radius
SUB_PIXEL_BITS = 6


def draw_dotted_people(
    folder: Path,
    n: int,
    seed: int = 0,
    size_px: tuple[int, int] = (300, 240),
    long_px: tuple[float, float] = (150, 200),
    aspect: tuple[float, float] = (0.55, 0.85),
) -> tuple[People, Images]:
    """`n` pictures (width, height) of one person each, exactly labelled; ranges are of the box's height and aspect."""
    rng = np.random.default_rng(seed)
    folder.mkdir(parents=True, exist_ok=True)
    points, boxes, paths = [], [], []
    for row in range(n):
        long = rng.uniform(*long_px)
        shape = np.array([rng.uniform(*aspect), 1.0])
        box_px = long * 1.1 * shape
        low = rng.uniform(4, np.array(size_px) - box_px - 4)
        joints = low + 0.05 * long * shape + (_POSE + rng.normal(0, 0.006, (17, 2))) * long * shape
        picture = np.full((size_px[1], size_px[0], 3), GROUND, dtype=np.uint8)
        radius = round(long * 1.1 * DOT_SHARE * 2**SUB_PIXEL_BITS)
        for (x, y), (red, green, blue) in zip(joints, COLOURS_RGB, strict=True):
            centre = round(x * 2**SUB_PIXEL_BITS), round(y * 2**SUB_PIXEL_BITS)
            cv2.circle(picture, centre, radius, (blue, green, red), -1, cv2.LINE_AA, SUB_PIXEL_BITS)
        path = folder / f"{row}.png"
        cv2.imwrite(str(path), picture)
        points.append(joints)
        boxes.append([*(low + 0.5), *box_px])
        paths.append(str(path))
    ids = np.arange(1, n + 1)
    people = People.build(
        image_id=ids, bbox_xywh_px=np.array(boxes), keypoints_px=np.array(points), visibility=np.full((n, 17), 2)
    )
    return people, Images.build(id=ids, path=paths, width=size_px[0], height=size_px[1])
