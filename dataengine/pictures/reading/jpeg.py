"""JPEG to pixels by libjpeg-turbo, at a half, a quarter or an eighth of the size where that is enough.

libjpeg computes the small picture from the low frequencies of each 8x8 block, which costs a fraction of the full decode
and averages as it shrinks; every byte is read all the same. OpenCV and Pillow pass over what libjpeg warns of, and give
a picture that is grey or scrambled from there on. Here a warning is a fault.
"""

import numpy as np
import simplejpeg
from numpy.typing import NDArray

from dataengine.pictures.reading.header import PictureFault

LARGEST_REDUCTION = 8


def jpeg_colours(content: bytes) -> str:
    """YCbCr, Gray, CMYK, YCCK or RGB; "" where simplejpeg does not decode the file: for its sampling, or as damaged."""
    try:
        return str(simplejpeg.decode_jpeg_header(content)[2])
    except ValueError:
        return ""


def decode_jpeg(
    content: bytes, stored_size: tuple[int, int], reduction: int = 1, *, grey: bool = False
) -> NDArray[np.uint8]:
    """Stored rows (ceil(H / reduction), ceil(W / reduction), 3) in BGR, for `reduction` 1, 2, 4 or 8.

    With `grey` brightness alone, (h, w), which takes two thirds of the time. `stored_size` is the width and height that
    the header states. Raises `PictureFault`.
    """
    width, height = (-(-side // reduction) for side in stored_size)
    try:  # the smallest size that libjpeg makes and that is not below this one: this one
        rows = simplejpeg.decode_jpeg(content, "GRAY" if grey else "BGR", min_width=width, min_height=height)
    except ValueError as error:
        raise PictureFault(str(error)) from error
    assert rows.shape[:2] == (height, width), f"{rows.shape} is not {height}x{width}"
    return np.asarray(rows[..., 0] if grey else rows, dtype=np.uint8)
