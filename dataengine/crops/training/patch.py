"""A patch: the part of a picture that a person's augmented crops can ever show, as few pixels as they need.

`reduction` says how much smaller, `patch_regions` which part from box and crop alone, `cut_patch` cuts it out of a
decoded picture. Patches are what the loader keeps, in memory and on disk, so that a picture is decoded once.
"""

from dataclasses import dataclass
from functools import cached_property

import cv2
import numpy as np
from numpy.typing import NDArray

from dataengine.crops.spec import CropSpec, affine_scale, apply_affine, invert_affine

_MARGIN_PX = 2  # bilinear sampling looks one pixel further


@dataclass(frozen=True)
class Region:
    """A rectangle of an image, in image pixels, and how much smaller its patch is to be."""

    x0: int
    y0: int
    x1: int
    y1: int
    factor: int
    """Image pixels along a side of a patch pixel: a power of two."""


@dataclass(frozen=True, eq=False)
class Patch:
    """Pixels, and where they stand in the image."""

    pixels: NDArray[np.uint8]  # (h, w, 3) RGB, or (h, w, 4) with the person's mask as 0..255
    factor: float  # image pixels along a side of a patch pixel
    x0: int  # image pixels left of the patch
    y0: int  # image pixels above the patch

    @cached_property
    def image_from_patch(self) -> NDArray[np.float64]:
        """The map (2, 3) from patch pixels to image pixels."""
        half = (self.factor - 1) / 2
        return np.array([[self.factor, 0.0, self.x0 + half], [0.0, self.factor, self.y0 + half]])


def reduction(image_px_per_crop_px: float | NDArray[np.float64]) -> NDArray[np.int64]:
    """The largest power of two, up to 64, that leaves at least one pixel of the picture for a pixel of the crop.

    For one ratio or an array of them.
    """
    return np.asarray(2 ** np.clip(np.floor(np.log2(image_px_per_crop_px)), 0, 6), dtype=np.int64)


def patch_regions(crop_from_image: NDArray[np.float64], spec: CropSpec, reach: float) -> NDArray[np.int64]:
    """What crops of `reach` times the extent of the maps (n, 2, 3) show: rows (n, 5) of the fields of `Region`.

    A region may lie outside its image.
    """
    size = np.array([spec.width_px, spec.height_px])
    middle = (size - 1) / 2
    corners = np.stack([middle - reach * size / 2, middle + reach * size / 2])
    low, high = np.moveaxis(apply_affine(invert_affine(crop_from_image), corners), 1, 0)
    factor = reduction(1 / affine_scale(crop_from_image))[:, None]
    margin = _MARGIN_PX * factor
    low, high = np.floor((low - margin) / factor) * factor, np.ceil((high + margin) / factor) * factor
    return np.concatenate([low, high, factor], axis=1).astype(np.int64)


def cut_patch(image: NDArray[np.uint8], decoded_factor: int, region: Region) -> Patch:
    """Cut `region` out of a picture (H, W, 3 or 4), BGR and mask, that was decoded `decoded_factor` times smaller.

    A region that misses the picture gives its nearest pixel, which no crop of that region shows.
    """
    factor = max(region.factor, decoded_factor)
    step = factor // decoded_factor
    height, width = image.shape[:2]
    columns, rows = max(1, width // step), max(1, height // step)  # whole patch pixels that the picture has
    left, right = _clipped(region.x0 // factor, -(-region.x1 // factor), columns)
    top, bottom = _clipped(region.y0 // factor, -(-region.y1 // factor), rows)
    part = image[top * step : bottom * step, left * step : right * step]
    if step > 1:
        small = cv2.resize(part, (right - left, bottom - top), interpolation=cv2.INTER_AREA)
        part = np.asarray(small, dtype=np.uint8)
    to_rgb = cv2.COLOR_BGR2RGB if image.shape[2] == 3 else cv2.COLOR_BGRA2RGBA
    pixels = np.asarray(cv2.cvtColor(part, to_rgb), dtype=np.uint8)
    return Patch(pixels, float(factor), left * factor, top * factor)


def _clipped(low: int, high: int, count: int) -> tuple[int, int]:
    low = min(max(low, 0), count - 1)
    return low, min(max(high, low + 1), count)
