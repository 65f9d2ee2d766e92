"""Every format but JPEG to 8-bit BGR, decided once for each kind of pixel: palette, grey, alpha, CMYK, 16 bits.

Pillow decodes, and finds truncation. It has no 16-bit colour, so the values of such PNG and TIFF files come from OpenCV
once Pillow has found the file whole.
"""

import io

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image

from dataengine.pictures.reading.header import PictureFault, pillow_image
from dataengine.pictures.reading.samples import to_eight_bits

PAPER = 255  # what lies behind transparent pixels: white, as on a page
_BITS_A_SAMPLE, _PHOTOMETRIC, _WHITE_IS_ZERO = 258, 262, 0  # of TIFF
_PNG_DEPTH_AT = 24  # in the file: the start, then IHDR's length, name, width and height
_GREY_16 = ("I;16", "I;16L", "I;16B")
_FOREIGN = ("I", "F")  # 32 bits a pixel, whole or not: measurements, not a picture


def decode_by_pillow(content: bytes) -> tuple[NDArray[np.uint8], int | None]:
    """Rows (H, W, 3) in BGR, and the depth of 16-bit values in bits, else None.

    TIFF comes out upright, other formats as they are stored. Raises `PictureFault`.
    """
    with pillow_image(io.BytesIO(content)) as image:
        kind, deep = image.format, _bits_a_sample(image, content) == 16
        image.load()
        if image.mode in _GREY_16 or (image.mode == "I" and kind == "PPM"):
            return _grey(image)
        if image.mode in _FOREIGN:
            raise PictureFault("32 bits a pixel; save it with 8 or 16")
        if deep and kind in ("PNG", "TIFF"):
            return _deep(content)
        return _in_eight_bits(image), None


def _bits_a_sample(image: Image.Image, content: bytes) -> int:
    if image.format == "PNG":
        return content[_PNG_DEPTH_AT]
    if image.format != "TIFF":
        return 8
    tags = getattr(image, "tag_v2")  # noqa: B009  # of TIFF images alone
    bits = max(tags.get(_BITS_A_SAMPLE, (1,)))
    if bits > 8 and tags.get(_PHOTOMETRIC) == _WHITE_IS_ZERO:
        raise PictureFault("a TIFF of more than 8 bits in which 0 is white; save it with 0 as black")
    return int(bits)


def _grey(image: Image.Image) -> tuple[NDArray[np.uint8], int]:
    grey, depth = to_eight_bits(np.asarray(image).astype(np.uint16))
    return np.asarray(cv2.cvtColor(grey, cv2.COLOR_GRAY2BGR), dtype=np.uint8), depth


def _deep(content: bytes) -> tuple[NDArray[np.uint8], int]:
    values = cv2.imdecode(np.frombuffer(content, dtype=np.uint8), cv2.IMREAD_UNCHANGED)
    if values is None or values.dtype != np.uint16 or values.ndim != 3:
        raise PictureFault("16 bits a colour, in a way that is not read; save it with 8")
    channels = np.asarray(values, dtype=np.uint16)
    bgr, depth = to_eight_bits(channels[..., :3])
    if channels.shape[2] == 4:
        bgr = _on_paper(bgr, (channels[..., 3:] >> 8).astype(np.uint8))
    return bgr, depth


def _in_eight_bits(image: Image.Image) -> NDArray[np.uint8]:
    if image.has_transparency_data:
        rgba = np.asarray(image.convert("RGBA"))
        return _on_paper(rgba[..., 2::-1], rgba[..., 3:])
    return np.asarray(cv2.cvtColor(np.asarray(image.convert("RGB")), cv2.COLOR_RGB2BGR), dtype=np.uint8)


def _on_paper(bgr: NDArray[np.uint8], alpha: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """The colours (H, W, 3) as they look through `alpha` (H, W, 1) in front of `PAPER`."""
    share = alpha.astype(np.float32) / 255
    return np.asarray(np.rint(bgr * share + PAPER * (1 - share)), dtype=np.uint8)
