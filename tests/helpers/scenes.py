"""People to crop, drawn for the tests."""

from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray
from pycocotools import mask as coco_mask

from dataengine.crops.training.augment import AugmentParams
from dataengine.people import Images, People

STRONG = AugmentParams(
    rotation_deg=60,
    rotation_share=1,
    scale=0.3,
    shift=0.1,
    flip_share=0.5,
    photometric_share=0.5,
    dropout_share=0.5,
    joint_cutout_share=0.5,
    weather_share=0.3,
)


def photo(seed: int, width: int, height: int) -> NDArray[np.uint8]:
    """A smooth colourful picture (height, width, 3) with edges in it."""
    rng = np.random.default_rng(seed)
    image: Any = np.asarray(cv2.resize(rng.uniform(0, 255, (9, 12, 3)), (width, height), interpolation=cv2.INTER_CUBIC))
    for _ in range(12):
        center = (int(rng.integers(width)), int(rng.integers(height)))
        color: list[float] = rng.uniform(0, 255, 3).tolist()
        cv2.circle(image, center, int(rng.integers(8, max(9, height // 5))), color, -1, cv2.LINE_AA)
    return np.clip(cv2.GaussianBlur(image, (0, 0), 1.5), 0, 255).astype(np.uint8)


def crowd(
    folder: Path, count: int, *, per_image: int = 2, size: tuple[int, int] = (320, 240), suffix: str = ".jpg"
) -> tuple[People, Images]:
    """`count` persons with random joints in boxes, several to a picture of (width, height) `size`."""
    rng = np.random.default_rng(count)
    width, height = size
    numbers = np.arange(count) // per_image
    paths = []
    for number in np.unique(numbers):
        paths.append(folder / f"{number:03d}{suffix}")
        cv2.imwrite(str(paths[-1]), photo(int(number), width, height), [cv2.IMWRITE_JPEG_QUALITY, 95])
    extent = rng.uniform(0.35, 0.6, (count, 2)) * [width, height]
    low = rng.random((count, 2)) * ([width, height] - extent)
    people = People.build(
        image_id=numbers + 1,
        bbox_xywh_px=np.concatenate([low, extent], axis=1),
        keypoints_px=low[:, None] + rng.random((count, 17, 2)) * extent[:, None],
        visibility=rng.integers(0, 3, (count, 17)),
    )
    images = Images.build(id=np.unique(numbers) + 1, path=[str(p) for p in paths], width=width, height=height)
    return people, images


def synthetic_before_real(folder: Path) -> tuple[People, Images]:
    """Person 0 is rendered: a red disc with a mask on green ground. Person 1 stands in a blue photograph."""
    rendered = np.zeros((100, 100, 3), np.uint8)
    rendered[:] = (0, 255, 0)
    mask = np.zeros((100, 100), np.uint8)
    cv2.circle(mask, (50, 50), 25, (1.0,), -1)
    rendered[mask > 0] = (0, 0, 255)
    cv2.imwrite(str(folder / "rendered.png"), rendered)
    cv2.imwrite(str(folder / "real.png"), np.full((200, 300, 3), (255, 0, 0), np.uint8))
    encoded = coco_mask.encode(np.asfortranarray(mask))
    people = People.build(
        image_id=[1, 2],
        bbox_xywh_px=[[10, 10, 80, 80], [100, 50, 60, 100]],
        keypoints_px=np.full((2, 17, 2), 50.0),
        visibility=np.full((2, 17), 2),
        source=["synthetic", "real"],
        extras={"segmentation": np.array([{"size": encoded["size"], "counts": encoded["counts"].decode()}, None])},
    )
    paths = [str(folder / "rendered.png"), str(folder / "real.png")]
    return people, Images.build(id=[1, 2], path=paths, width=[100, 300], height=[100, 200])
