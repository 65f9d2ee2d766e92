"""Look at every picture once: whether it decodes to its last byte, its size, its hash and its thumbnail.

JPEGs are decoded at an eighth of their size where that is still enough for the thumbnail: every byte is read and every
coefficient decoded, so truncation is found, in less than half the time.
"""

import hashlib
import io
import os
import warnings
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from dataengine.leakage.perceptual_hash import THUMBNAIL_PX
from dataengine.terminal.progress import track

LARGEST_MPX = 50  # million pixels; a decompression bomb is refused by its header
LARGEST_FILE_BYTES = 256 << 20
DECODED_PX = 2 * THUMBNAIL_PX  # with less to filter, the thumbnail differs from that of the full picture


@dataclass(frozen=True, eq=False)
class PictureFacts:
    """Facts about one picture."""

    width: int
    height: int
    sha256: str
    """Hex, of the file's bytes."""
    thumbnail: NDArray[np.uint8]
    """(32, 32) grey."""


def inspect_pictures(paths: Sequence[str], largest_mpx: int = LARGEST_MPX) -> list[PictureFacts | str]:
    """`inspect_picture` each path, on all cores; threads, because decoding releases Python's lock."""
    workers = len(os.sched_getaffinity(0))
    with ThreadPoolExecutor(workers) as pool:
        return list(
            track(
                pool.map(lambda path: inspect_picture(path, largest_mpx), paths),
                "check pictures",
                total=len(paths),
                unit="image",
            )
        )


def inspect_picture(path: str, largest_mpx: int = LARGEST_MPX) -> PictureFacts | str:
    """Facts about the picture, or why it cannot be used."""
    try:
        if (size := Path(path).stat().st_size) > LARGEST_FILE_BYTES:
            return f"the image file has {size} bytes, more than {LARGEST_FILE_BYTES}"
        return facts_of(Path(path).read_bytes(), largest_mpx)
    except FileNotFoundError:
        return "the image does not exist"
    except OSError as error:
        return f"the image cannot be read: {error.strerror}"


def facts_of(content: bytes, largest_mpx: int = LARGEST_MPX) -> PictureFacts | str:
    """Facts about the picture that a file of these bytes holds, or why it cannot be used."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", Image.DecompressionBombWarning)  # `largest_mpx` decides
            with Image.open(io.BytesIO(content)) as image:
                return _look(image, content, largest_mpx)
    except (OSError, Image.DecompressionBombError, SyntaxError, ValueError) as error:
        return f"the image cannot be read: {(str(error).splitlines() or ['no reason given'])[0][:120]}"


def _look(image: Image.Image, content: bytes, largest_mpx: int) -> PictureFacts | str:
    width, height = image.size
    if width * height > largest_mpx * 1_000_000:
        return f"{width}x{height} pixels are more than {largest_mpx} million"
    image.draft("L", (DECODED_PX, DECODED_PX))  # for JPEG only
    image.load()
    thumbnail = image.convert("L").resize((THUMBNAIL_PX, THUMBNAIL_PX), Image.Resampling.LANCZOS)
    return PictureFacts(width, height, hashlib.sha256(content).hexdigest(), np.asarray(thumbnail))
