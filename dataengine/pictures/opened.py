"""A picture that another library has opened with Pillow, as `decoding.py` gives those of files."""

from io import BytesIO

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageOps

from dataengine.pictures.reading.decoding import decode_picture

_OF_PNG = ("1", "L", "LA", "I;16", "P", "RGB", "RGBA")


def decode_opened(image: Image.Image) -> NDArray[np.uint8]:
    """The picture (height, width, 3), BGR and upright; its pixels are those that the library shows, turned by its tag.

    It takes the way through a PNG, which loses nothing, so that depth, alpha and palette are decided as for a file.
    """
    upright = ImageOps.exif_transpose(image)
    if upright.mode not in _OF_PNG:
        upright = upright.convert("RGB")
    content = BytesIO()
    upright.save(content, "PNG", compress_level=0)
    return decode_picture(content.getvalue())
