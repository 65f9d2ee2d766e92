"""The pictures the loader is measured on: small real ones where there are any, drawn ones of a camera's size."""

from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from dataengine.coco_json import read_people
from dataengine.people import Images, People
from dataengine.pictures.encoding import write_picture

# The Leeds Sports Pose Extended set, if it lies next to the checkout; licensed for research, so it is never shipped.
REAL_SET = Path("../shared/data/lspet")
SMALL_PX, CAMERA_PX = (256, 256), (1280, 960)
JPEG_QUALITY = 90
SPECTRUM_OCTAVES = 7


def small_set(folder: Path, count: int) -> tuple[People, Images]:
    """`count` persons of about 150 px, one to a picture: real photographs, or drawn ones if there are none."""
    if not (REAL_SET / "annotations.json").exists():
        return drawn_set(folder, count, SMALL_PX)
    people, images = read_people(REAL_SET / "annotations.json")
    chosen_people = people.take(np.linspace(0, len(people) - 1, count).astype(int))
    images = images.take(np.unique(images.rows_of(chosen_people.image_id)))
    names = [Path(path).relative_to(REAL_SET) for path in images.path.tolist()]
    return chosen_people, images.replace(path=[str(REAL_SET / "images" / name) for name in names])


def drawn_set(folder: Path, count: int, size_px: tuple[int, int]) -> tuple[People, Images]:
    """`count` persons, one to a JPEG of (width, height) `size_px`, each 40 to 80 % of the picture's height."""
    folder.mkdir(parents=True, exist_ok=True)
    rng = np.random.default_rng(0)
    width, height = size_px
    paths = [folder / f"{number:04d}.jpg" for number in range(count)]
    for path in paths:
        write_picture(path, natural_noise(rng, width, height), quality=JPEG_QUALITY)
    tall = height * rng.uniform(0.4, 0.8, count)
    extent = np.stack([tall * rng.uniform(0.35, 0.7, count), tall], axis=1)
    low = rng.random((count, 2)) * ([width, height] - extent)
    people = People.build(
        image_id=np.arange(count),
        bbox_xywh_px=np.concatenate([low, extent], axis=1),
        keypoints_px=low[:, None] + rng.random((count, 17, 2)) * extent[:, None],
        visibility=np.full((count, 17), 2),
    )
    table = Images.build(id=np.arange(count), path=[str(p) for p in paths], width=width, height=height)
    return people, table


def natural_noise(rng: np.random.Generator, width: int, height: int) -> NDArray[np.uint8]:
    """A picture (height, width, 3) with the spectrum of photographs, amplitude falling as 1 / frequency.

    (Field, "Relations between the statistics of natural images", 1987.) JPEG decoders take as long as for a photograph.
    """
    picture = np.full((height, width, 3), 128.0, dtype=np.float32)
    for octave in range(SPECTRUM_OCTAVES):
        cell = 2**octave
        shape = (max(2, height // cell), max(2, width // cell), 3)
        coarse = rng.normal(0, 4.0 * cell**0.5, shape).astype(np.float32)
        picture += cv2.resize(coarse, (width, height), interpolation=cv2.INTER_LINEAR)
    return np.clip(picture, 0, 255).astype(np.uint8)
