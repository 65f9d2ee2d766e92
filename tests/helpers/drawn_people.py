"""People drawn as seventeen coloured dots each, which a small network learns in seconds.

`draw_people_at` turns them any way up, for fits; `draw_standing_people` leaves them on their feet and jitters every
joint, for the gate, whose poses and sizes differ.
"""

from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from dataengine.people import Images, People

DOT_PX, GROUND = 6, 30
# A standing person in the unit square, order of COCO_KEYPOINTS.
_STANDING = np.array(
    [
        *([50, 10], [53, 8], [47, 8], [57, 10], [43, 10], [62, 25], [38, 25], [70, 40], [30, 40]),
        *([74, 54], [26, 54], [58, 55], [42, 55], [60, 75], [40, 75], [61, 95], [39, 95]),
    ],
    dtype=np.float64,
) / 100  # fmt: skip
_GRID = np.stack(np.meshgrid([25, 45, 65, 85], [15, 35, 55, 75, 95]), axis=2).reshape(-1, 2)[:17] - 55.0


def draw_people_at(folder: Path, n: int, seed: int, source: str = "real") -> tuple[People, Images]:
    """`n` pictures of one person each, a turned grid of joints, and their labels."""
    rng = np.random.default_rng(seed)
    turn = rng.uniform(-3, 3, n)
    rotation = np.stack([np.cos(turn), -np.sin(turn), np.sin(turn), np.cos(turn)], axis=1).reshape(n, 1, 2, 2)
    points = (rotation @ _GRID[None, :, :, None])[..., 0] * 0.9 + 55 + rng.uniform(-4, 4, (n, 1, 2))
    people, images = _draw(folder, points, side_px=110, name=source)
    people = people.replace(bbox_xywh_px=np.tile(np.array([5, 5, 100, 100], dtype=np.float32), (n, 1)))
    return people.replace(source=np.full(n, source, dtype="<U9")), images


def draw_standing_people(folder: Path, n: int, seed: int, video: str = "") -> tuple[People, Images]:
    """`n` pictures of one standing person each, of different sizes and poses, and their labels."""
    rng = np.random.default_rng(seed)
    points = _STANDING + rng.normal(0, 0.05, (n, 17, 2))
    people, images = _draw(folder, 20 + points * rng.uniform(70, 100, (n, 1, 2)), side_px=150)
    return people, images.replace(video=video, frame=np.arange(n)) if video else images


def _draw(folder: Path, points: NDArray[np.float64], *, side_px: int, name: str = "") -> tuple[People, Images]:
    """A picture for each row of `points` (n, 17, 2), and its label with a box 8 px around the joints."""
    folder.mkdir(parents=True, exist_ok=True)
    colors = cv2.applyColorMap(np.arange(0, 255, 15, dtype=np.uint8)[:17, None], cv2.COLORMAP_HSV)[:, 0]
    paths = [str(folder / f"{name}{row}.png") for row in range(len(points))]
    for path, joints in zip(paths, points, strict=True):
        image = np.full((side_px, side_px, 3), GROUND, dtype=np.uint8)
        for (x, y), color in zip(joints, colors.tolist(), strict=True):
            cv2.circle(image, (round(x), round(y)), DOT_PX, color, -1)
        cv2.imwrite(path, image)
    ids = np.arange(1, len(points) + 1)
    box = np.concatenate([points.min(axis=1) - 8, np.ptp(points, axis=1) + 16], axis=1)
    flags = np.full(points.shape[:2], 2)
    people = People.build(image_id=ids, bbox_xywh_px=box, keypoints_px=points, visibility=flags)
    return people, Images.build(id=ids, path=paths, width=side_px, height=side_px)
