"""The one way to get pixels from a picture: upright, 8 bits, BGR, whole, or an error that says why not.

`read_picture` for a file, `decode_picture` for bytes; `decode_at` and `decode` where the header, the depth or a smaller
picture is wanted, too. `read_bytes` reads a file for those who hash it as well.
"""

import os
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from dataengine.errors import InputError
from dataengine.pictures.reading.header import PictureFault, PictureHeader, header_of
from dataengine.pictures.reading.jpeg import LARGEST_REDUCTION, decode_jpeg, jpeg_colours
from dataengine.pictures.reading.orientation import UPRIGHT, turned
from dataengine.pictures.reading.other_formats import decode_by_pillow

_WITH_BRIGHTNESS = ("YCbCr", "Gray")


@dataclass(frozen=True, eq=False)
class DecodedPicture:
    """A picture in memory."""

    pixels: NDArray[np.uint8]
    """(h, w, 3) BGR, or (h, w) grey, upright. Pixel i covers the picture's pixels reduction * i to reduction * (i + 1),
    so h = ceil(height / reduction)."""
    header: PictureHeader
    reduction: int
    """How many times smaller than the picture: 1, 2, 4 or 8."""
    depth: int | None
    """Bits of a value in a 16-bit file, of which the upper 8 are kept (`samples.py`); None for 8-bit files."""


def read_picture(path: Path | str) -> NDArray[np.uint8]:
    """The image (height, width, 3) of a file, BGR and upright; an `InputError` names the file and the reason."""
    return decode_at(path, read_bytes(path)).pixels


def decode_at(path: Path | str, content: bytes, reduction: int = 1) -> DecodedPicture:
    """`decode` the bytes of the file at `path`, which an `InputError` names."""
    try:
        return decode(content, reduction=reduction)
    except PictureFault as fault:
        raise _unusable(path, f"cannot be used: {fault}") from fault


def decode_picture(content: bytes) -> NDArray[np.uint8]:
    """The image (height, width, 3) of a file of these bytes, BGR and upright; `PictureFault` says why it has none."""
    return decode(content).pixels


def decode(
    content: bytes, *, header: PictureHeader | None = None, reduction: int = 1, grey: bool = False
) -> DecodedPicture:
    """The picture that a file of these bytes holds, `reduction` times smaller if it is a JPEG; `header` if it is known.

    A turned JPEG whose sides `reduction` does not divide is decoded in full: its incomplete blocks would come first.
    """
    header = header or header_of(content)
    colours = jpeg_colours(content) if header.format == "JPEG" else ""
    if not colours:
        pixels, depth = decode_by_pillow(content)
        taken, orientation = 1, UPRIGHT if header.format == "TIFF" else header.orientation
    else:
        taken, orientation, depth = min(reduction, LARGEST_REDUCTION), header.orientation, None
        if orientation != UPRIGHT and any(side % taken for side in header.size):
            taken = 1
        pixels = decode_jpeg(content, header.stored_size, taken, grey=grey and colours in _WITH_BRIGHTNESS)
    if grey and pixels.ndim == 3:
        pixels = np.asarray(cv2.cvtColor(pixels, cv2.COLOR_BGR2GRAY), dtype=np.uint8)
    return DecodedPicture(turned(pixels, orientation), header, taken, depth)


def read_bytes(path: Path | str) -> bytes:
    """The file's bytes; one that cannot be read is an `InputError`."""
    try:
        opened = os.open(path, os.O_RDONLY | os.O_CLOEXEC)  # a third of the time of Path.read_bytes, for small files
        try:
            return _all_of(opened)
        finally:
            os.close(opened)
    except FileNotFoundError as error:
        raise _unusable(path, "does not exist") from error
    except OSError as error:
        raise _unusable(path, f"cannot be read: {error.strerror}") from error


def _all_of(opened: int) -> bytes:
    wanted = os.fstat(opened).st_size + 1
    parts = [os.read(opened, wanted)]
    while parts[-1]:
        parts.append(os.read(opened, wanted))
    return b"".join(parts)


def _unusable(path: Path | str, how: str) -> InputError:
    return InputError(f"image {path} {how}", fix="rerun the stage that wrote it, or drop its records")
