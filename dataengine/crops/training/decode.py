"""JPEG files decoded at a half, a quarter or an eighth of their size where the crop would shrink them anyway.

`reduction` chooses the factor, `decode_reduced` decodes. libjpeg computes the small picture from the low frequencies of
each 8x8 block, which costs a fraction of the full decode and averages as it shrinks.
"""

import cv2
import numpy as np
from numpy.typing import NDArray

from dataengine.crops.pixels import unreadable_image

LARGEST_DECODE_REDUCTION = 8
_FLAGS = {
    1: cv2.IMREAD_COLOR,
    2: cv2.IMREAD_REDUCED_COLOR_2,
    4: cv2.IMREAD_REDUCED_COLOR_4,
    8: cv2.IMREAD_REDUCED_COLOR_8,
}
_JPEG_START, _EXIF_MARK, _HEADER_BYTES = b"\xff\xd8\xff", b"Exif\0\0", 65_536


def reduction(image_px_per_crop_px: float | NDArray[np.float64]) -> NDArray[np.int64]:
    """The largest power of two, up to 64, that leaves at least one pixel of the picture for a pixel of the crop.

    For one ratio or an array of them.
    """
    return np.asarray(2 ** np.clip(np.floor(np.log2(image_px_per_crop_px)), 0, 6), dtype=np.int64)


def read_bytes(path: str) -> NDArray[np.uint8]:
    """The file's bytes; a missing file is an `InputError`."""
    try:
        return np.fromfile(path, dtype=np.uint8)
    except OSError as error:
        raise unreadable_image(path) from error


def decode_reduced(
    path: str, content: NDArray[np.uint8], factor: int, size_px: tuple[int, int]
) -> tuple[NDArray[np.uint8], int]:
    """The image (H, W, 3) BGR at 1 / `factor` of its size (width, height), and the factor that was really taken.

    Pixel i of it covers the image pixels factor * i to factor * (i + 1). Other formats than JPEG are decoded in full.
    So are turned pictures whose sides `factor` does not divide: there the incomplete block would come first.
    """
    factor = min(factor, LARGEST_DECODE_REDUCTION)
    head = content[:_HEADER_BYTES].tobytes() if factor > 1 else b""
    maybe_turned = _EXIF_MARK in head and any(side % factor for side in size_px)
    if not head.startswith(_JPEG_START) or maybe_turned:
        factor = 1
    return _decoded(path, content, factor), factor


def _decoded(path: str, content: NDArray[np.uint8], factor: int) -> NDArray[np.uint8]:
    try:
        image = cv2.imdecode(content, _FLAGS[factor]) if len(content) else None
    except cv2.error:  # more pixels than OpenCV is willing to decode
        image = None
    if image is None:
        raise unreadable_image(path)
    return np.asarray(image, dtype=np.uint8)
