"""What a picture's first bytes say: its format, its upright size, its EXIF orientation. No pixel is decoded.

JPEG and PNG are walked here, marker by marker and chunk by chunk: an EXIF block may stand anywhere before a JPEG's
scan, and even behind a PNG's pixels. Pillow opens the other formats of `FORMATS`; it knows more than are wanted.
"""

import io
import struct
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import BinaryIO

from PIL import Image

from dataengine.pictures.reading.orientation import EXIF_MARK, UPRIGHT, orientation_of, swaps_sides

LARGEST_MPX = 50  # million pixels; a decompression bomb is refused by its header
FORMATS = ("JPEG", "PNG", "WEBP", "TIFF", "BMP", "GIF", "AVIF", "JPEG2000", "PPM")
JPEG_START, PNG_START = b"\xff\xd8\xff", b"\x89PNG\r\n\x1a\n"

_APP1, _SCAN = 0xE1, 0xDA
_FRAMES = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}  # the markers that start a frame and state its size
_ALONE = frozenset(range(0xD0, 0xD9)) | {0x01}  # markers without a length
_REDUCED_COPY, _SUBFILE_TYPE, _ORIENTATION = 1, 254, 274  # of TIFF
_PILLOWS_FAULTS = (
    *(OSError, SyntaxError, ValueError, OverflowError, EOFError, IndexError, KeyError, TypeError, RuntimeError),
    *(MemoryError, struct.error, Image.DecompressionBombError),
)

# `LARGEST_MPX` decides; a filter of the moment would not be safe in threads
warnings.filterwarnings("ignore", category=Image.DecompressionBombWarning)


class PictureFault(Exception):
    """Why bytes give no picture, in one line."""


@dataclass(frozen=True, slots=True)
class PictureHeader:
    """What is known of a picture before it is decoded."""

    format: str
    """One of `FORMATS`."""
    width: int
    """Upright pixels, like `height`."""
    height: int
    orientation: int = UPRIGHT
    """EXIF's, 1 to 8: how the stored pixels are to be turned."""

    @property
    def size(self) -> tuple[int, int]:
        """Upright width and height."""
        return self.width, self.height

    @property
    def stored_size(self) -> tuple[int, int]:
        """Width and height of the rows in the file."""
        return (self.height, self.width) if swaps_sides(self.orientation) else self.size


def header_of(content: bytes) -> PictureHeader:
    """The header of a file of these bytes; `PictureFault` says why they hold no picture."""
    return read_header(io.BytesIO(content))


def read_header(stream: BinaryIO) -> PictureHeader:
    """The header of the file that starts where `stream` starts; `PictureFault` says why it holds no picture.

    More than `LARGEST_MPX`, an animation and a document of several pages are faults.
    """
    start = stream.read(len(PNG_START))
    if not start:
        raise PictureFault("an empty file")
    if start.startswith(JPEG_START):
        header = _jpeg_header(stream)
    elif start == PNG_START:
        header = _png_header(stream)
    else:
        header = _pillows_header(stream)
    refuse_large(header, LARGEST_MPX)
    return header


def refuse_large(header: PictureHeader, largest_mpx: int) -> None:
    """Raise `PictureFault` for a picture of more than `largest_mpx` million pixels."""
    if header.width * header.height > largest_mpx * 1_000_000:
        raise PictureFault(f"{header.width}x{header.height} pixels are more than {largest_mpx} million")


@contextmanager
def pillow_image(stream: BinaryIO) -> Iterator[Image.Image]:
    """The file as Pillow opens it; whatever Pillow raises inside the block becomes a `PictureFault`."""
    try:
        stream.seek(0)
        with Image.open(stream, formats=FORMATS) as image:
            yield image
    except Image.UnidentifiedImageError as error:
        raise PictureFault(f"in none of the formats {', '.join(FORMATS)}, or damaged") from error
    except _PILLOWS_FAULTS as error:
        raise PictureFault((str(error).splitlines() or [type(error).__name__])[0][:120]) from error


def _jpeg_header(stream: BinaryIO) -> PictureHeader:
    size, orientation, seen = (0, 0), UPRIGHT, False
    stream.seek(2)
    for marker in _markers(stream):
        length = int.from_bytes(_read(stream, 2), "big") - 2
        if marker in _FRAMES:
            precision, height, width = struct.unpack(">BHH", _read(stream, 5))
            size, length = (width, height), length - 5
            if precision != 8:
                raise PictureFault(f"a JPEG of {precision} bits, which is not read; save it as a 16-bit PNG")
        elif marker == _APP1 and not seen:
            block = _read(stream, length)
            length, seen = 0, block.startswith(EXIF_MARK)
            orientation = orientation_of(block) if seen else UPRIGHT
        stream.seek(max(0, length), io.SEEK_CUR)
    return _upright("JPEG", size, orientation)


def _markers(stream: BinaryIO) -> Iterator[int]:
    """The markers of a JPEG up to its first scan; the caller reads or skips what follows each."""
    while True:
        found = _read(stream, 2)
        while found[0] != 0xFF:  # libjpeg passes stray bytes over, too
            found = found[1:] + _read(stream, 1)
        while found[1] == 0xFF:
            found = found[1:] + _read(stream, 1)
        if found[1] == _SCAN:
            return
        if found[1] not in _ALONE:
            yield found[1]


def _png_header(stream: BinaryIO) -> PictureHeader:
    size, orientation = (0, 0), UPRIGHT
    while True:
        length, name = struct.unpack(">I4s", _read(stream, 8))
        if name == b"IHDR":
            size, length = struct.unpack(">II", _read(stream, 8)), length - 8
        elif name == b"acTL":
            _refuse_animation(*struct.unpack(">I", _read(stream, 4)))
            length -= 4
        elif name == b"eXIf":
            orientation, length = orientation_of(_read(stream, length)), 0
        elif name == b"IEND":
            return _upright("PNG", size, orientation)
        stream.seek(length + 4, io.SEEK_CUR)  # the checksum


def _pillows_header(stream: BinaryIO) -> PictureHeader:
    with pillow_image(stream) as image:
        if image.format == "TIFF":  # Pillow turns these itself
            tags = getattr(image, "tag_v2")  # noqa: B009  # of TIFF images alone
            width, height, orientation = *image.size, tags.get(_ORIENTATION, UPRIGHT)
            _refuse_pages(image)
            return PictureHeader("TIFF", width, height, orientation if orientation in range(1, 9) else UPRIGHT)
        _refuse_animation(getattr(image, "n_frames", 1))
        exif = image.info.get("exif")
        orientation = orientation_of(exif) if isinstance(exif, bytes) else UPRIGHT
        return _upright(str(image.format), image.size, orientation)


def _upright(kind: str, stored: tuple[int, int], orientation: int) -> PictureHeader:
    if min(stored) < 1:
        raise PictureFault("its header states no size")
    width, height = reversed(stored) if swaps_sides(orientation) else stored
    return PictureHeader(kind, width, height, orientation)


def _refuse_animation(frames: int) -> None:
    if frames > 1:
        raise PictureFault(f"an animation of {frames} frames; save the frame that is meant")


def _refuse_pages(image: Image.Image) -> None:
    """Smaller copies of the first page are no pages of their own."""
    pages = 0
    for page in range(getattr(image, "n_frames", 1)):
        image.seek(page)
        pages += not int(getattr(image, "tag_v2").get(_SUBFILE_TYPE, 0)) & _REDUCED_COPY  # noqa: B009
    image.seek(0)
    if pages > 1:
        raise PictureFault(f"a document of {pages} pages; save the page that is meant")


def _read(stream: BinaryIO, count: int) -> bytes:
    found = stream.read(count) if count >= 0 else b""
    if len(found) != count:
        raise PictureFault("the file ends within its header")
    return found
