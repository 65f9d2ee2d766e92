"""Crops cut out of images; the normalisation that every network here expects.

`crop_people` cuts a crop for every person and holds them all, `normalise` makes the network's input. To predict on
many people, `inference.crop_stream` cuts their crops batch by batch.
"""

from collections.abc import Sequence

import cv2
import numpy as np
from numpy.typing import NDArray

from dataengine.crops.spec import CropSpec, crop_matrix, extract_crop
from dataengine.people import Images, People
from dataengine.pictures.reading.decoding import read_picture
from dataengine.terminal.progress import track

# Mean and spread of ImageNet in RGB, 0..1: near enough to any photograph, and what pretrained backbones were fed.
MEAN_RGB: tuple[float, float, float] = (0.485, 0.456, 0.406)
STD_RGB: tuple[float, float, float] = (0.229, 0.224, 0.225)
_QUIET_BELOW_IMAGES = 200  # fewer than these are cut in a few seconds: no bar


def crop_people(
    people: People, images: Images, spec: CropSpec, matrices: NDArray[np.float64] | None = None
) -> tuple[NDArray[np.uint8], NDArray[np.float64]]:
    """BGR crops (n, height, width, 3) of all persons and their maps (n, 2, 3) from image to crop pixels.

    `matrices` replaces the maps that the boxes give. Each image is decoded once.
    """
    matrices = crop_matrix(people.bbox_xywh_px, spec) if matrices is None else matrices
    crops = np.zeros((len(people), spec.height_px, spec.width_px, 3), dtype=np.uint8)
    pictures = people_by_picture(images.rows_of(people.image_id))
    quiet = len(pictures) < _QUIET_BELOW_IMAGES
    for row, persons in pictures if quiet else track(pictures, "crop people", unit="image"):
        image = read_picture(str(images.path[row]))
        for person in persons:
            crops[person] = extract_crop(image, matrices[person], spec)
    return crops, matrices


def people_by_picture(rows: NDArray[np.int64]) -> list[tuple[int, NDArray[np.int64]]]:
    """(picture, its persons) for persons who stand in pictures `rows` (n,), pictures in order of first appearance."""
    pictures, first, inverse = np.unique(rows, return_index=True, return_inverse=True)
    by_picture = np.split(np.argsort(inverse, kind="stable"), np.cumsum(np.bincount(inverse))[:-1])
    return [(int(pictures[i]), by_picture[i]) for i in np.argsort(first)]


def normalise(
    crops_bgr: NDArray[np.uint8], mean: Sequence[float] = MEAN_RGB, std: Sequence[float] = STD_RGB
) -> NDArray[np.float32]:
    """BGR uint8 (b, H, W, 3) to the network's input: RGB float32 (b, 3, H, W), `mean` and `std` of 0..1 values."""
    scale = 1 / (255 * np.asarray(std, dtype=np.float32))
    shift = np.asarray(mean, dtype=np.float32) / np.asarray(std, dtype=np.float32)
    return np.ascontiguousarray((crops_bgr[..., ::-1] * scale - shift).transpose(0, 3, 1, 2), dtype=np.float32)


class Normaliser:
    """`normalise` for RGB crops of one size, a crop at a time into memory that is already allocated.

    It works on rows of 3 * width numbers against tables of the crop's size: twice as fast as broadcasting three
    numbers.
    """

    def __init__(
        self, height_px: int, width_px: int, mean: Sequence[float] = MEAN_RGB, std: Sequence[float] = STD_RGB
    ) -> None:
        spread = np.asarray(std, dtype=np.float32)
        self._scale = np.tile(1 / (255 * spread), (height_px, width_px))
        self._shift = np.tile(np.asarray(mean, dtype=np.float32) / spread, (height_px, width_px))

    def into(self, target: NDArray[np.float32], crop_rgb: NDArray[np.uint8]) -> None:
        """Write the crop (H, W, 3), normalised, into `target` (H, W, 3)."""
        rows = target.reshape(self._scale.shape)
        rows[:] = crop_rgb.reshape(self._scale.shape)
        cv2.multiply(rows, self._scale, dst=rows)
        cv2.subtract(rows, self._shift, dst=rows)
