"""Look at every picture once: whether it decodes to its last byte, its size, its hash and its thumbnail.

JPEGs are decoded at an eighth of their size where that is still enough for the thumbnail: every byte is read and every
coefficient decoded, so damage is found, in less than two thirds of the time.
"""

import hashlib
import os
from collections import Counter
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from dataengine.leakage.perceptual_hash import THUMBNAIL_PX
from dataengine.pictures.reading.decoding import decode
from dataengine.pictures.reading.header import LARGEST_MPX, PictureFault, PictureHeader, header_of, refuse_large
from dataengine.pictures.reading.jpeg import LARGEST_REDUCTION
from dataengine.pictures.reading.orientation import UPRIGHT
from dataengine.terminal.progress import track

LARGEST_FILE_BYTES = 256 << 20
DECODED_PX = 2 * THUMBNAIL_PX  # with less to filter, the thumbnail differs from that of the full picture


@dataclass(frozen=True, eq=False)
class PictureFacts:
    """Facts about one picture."""

    header: PictureHeader
    sha256: str
    """Hex, of the file's bytes."""
    thumbnail: NDArray[np.uint8]
    """(32, 32) grey, upright."""
    depth: int | None = None
    """Bits of a value in a 16-bit file, of which the upper 8 are used; None for 8-bit files."""

    def treatments(self) -> list[str]:
        """What was done to the picture besides decoding it, in words that follow "pictures"."""
        turned = f"turned upright by EXIF orientation {self.header.orientation}"
        deep = f"of {self.depth} bits, upper 8 kept"
        return [turned] * (self.header.orientation != UPRIGHT) + [deep] * (self.depth is not None)


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
        header = header_of(content)
        refuse_large(header, largest_mpx)
        decoded = decode(content, header=header, reduction=_reduction(header), grey=True)
    except PictureFault as fault:
        return f"the image cannot be read: {fault}"
    thumbnail = Image.fromarray(decoded.pixels).resize((THUMBNAIL_PX, THUMBNAIL_PX), Image.Resampling.LANCZOS)
    return PictureFacts(header, hashlib.sha256(content).hexdigest(), np.asarray(thumbnail), decoded.depth)


def _reduction(header: PictureHeader) -> int:
    """The largest power of two by which both sides can shrink and be `DECODED_PX` or more."""
    fits = min(header.size) // DECODED_PX
    return min(LARGEST_REDUCTION, 1 << max(0, fits.bit_length() - 1))


def treatments(facts: Sequence[PictureFacts]) -> dict[str, int]:
    """How many pictures each treatment was given to."""
    return dict(sorted(Counter(words for look in facts for words in look.treatments()).items()))
