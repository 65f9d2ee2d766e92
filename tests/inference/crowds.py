"""Pictures with people in them, for tests that predict: few pixels, any number of people to a picture."""

from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np

from dataengine.people import Images, People

WIDTH_PX, HEIGHT_PX = 80, 60


def crowd(folder: Path, picture_of: Sequence[int], seed: int = 0) -> tuple[People, Images]:
    """A person in picture number ``picture_of[i]`` for every i; the table lists pictures last to first."""
    rng = np.random.default_rng(seed)
    folder.mkdir(parents=True, exist_ok=True)
    count = max(picture_of, default=0) + 1
    paths = [folder / f"{number}.png" for number in range(count)]
    for path in paths:
        cv2.imwrite(str(path), rng.integers(0, 256, (HEIGHT_PX, WIDTH_PX, 3), dtype=np.uint8))
    n = len(picture_of)
    corner = rng.uniform(0, 30, (n, 2))
    people = People.build(
        image_id=np.array(picture_of, dtype=np.int64) + 100,
        bbox_xywh_px=np.concatenate([corner, rng.uniform(8, 30, (n, 2))], axis=1),
        keypoints_px=np.zeros((n, 17, 2)),
        visibility=np.zeros((n, 17)),
    )
    images = Images.build(
        id=np.arange(count)[::-1] + 100, path=[str(p) for p in paths[::-1]], width=WIDTH_PX, height=HEIGHT_PX
    )
    return people, images
