"""Pictures as files: encoded whole, written whole or not at all. Images are BGR uint8 (OpenCV's order).

`write_picture` makes a file, `encode_picture` its bytes, `data_uri` what a page shows without any file. `cv2.imwrite`
does not report a full disk and leaves half a file behind, so no code here calls it.
"""

import base64
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from dataengine.errors import InputError
from dataengine.files import atomic_path


def write_picture(path: Path, image_bgr: NDArray[Any], *, quality: int | None = None) -> None:
    """Write an image (h, w, 3), atomically, in the format of the suffix; `quality` 0..100 is a JPEG's.

    Raises:
        EnvironmentFault: the disk is full or may not be written to.
        InputError: the suffix names no format, or the format cannot hold an image of that size.
    """
    content = encode_picture(image_bgr, path.suffix, quality=quality)
    with atomic_path(path) as partial:
        partial.write_bytes(content)


def encode_picture(image_bgr: NDArray[Any], suffix: str, *, quality: int | None = None) -> bytes:
    """The bytes of the file that `write_picture` writes, ".jpg" or ".png" by `suffix`."""
    flags: Sequence[int] = () if quality is None else (cv2.IMWRITE_JPEG_QUALITY, quality)
    try:
        done, content = cv2.imencode(suffix, image_bgr, flags)
    except cv2.error as error:
        raise _not_encoded(image_bgr, suffix) from error
    if not done:
        raise _not_encoded(image_bgr, suffix)
    return np.asarray(content).tobytes()


def data_uri(image_bgr: NDArray[Any], *, quality: int) -> str:
    """The image as a JPEG in a ``data:`` URI, for a page that loads nothing."""
    content = encode_picture(image_bgr, ".jpg", quality=quality)
    return "data:image/jpeg;base64," + base64.b64encode(content).decode()


def _not_encoded(image_bgr: NDArray[Any], suffix: str) -> InputError:
    got = f"{suffix or 'no suffix'}, {image_bgr.dtype} {image_bgr.shape}"
    return InputError("a picture cannot be encoded", expected=".jpg or .png, at most 65,500 px a side", got=got)
