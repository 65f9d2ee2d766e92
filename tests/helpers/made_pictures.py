"""Pictures as bytes, made with Pillow and tifffile: every orientation, format, depth and kind of pixel."""

import io
from typing import Any

import numpy as np
import tifffile
from numpy.typing import NDArray
from PIL import Image

ORIENTATION = 0x0112
LOSSLESS: dict[str, dict[str, Any]] = {"PNG": {}, "WEBP": {"lossless": True}, "TIFF": {}}
LOSSY: dict[str, dict[str, Any]] = {"JPEG": {"quality": 95, "subsampling": 0}, "AVIF": {"quality": 95}}


def photo(width: int, height: int, seed: int = 0) -> Image.Image:
    """Soft shapes of all colours, no two corners alike."""
    coarse = np.random.default_rng(seed).integers(0, 256, (5, 5, 3), dtype=np.uint8)
    return Image.fromarray(coarse).resize((width, height), Image.Resampling.BICUBIC)


def saved(image: Image.Image, kind: str, orientation: int | None = None, **options: Any) -> bytes:
    """The file of an image, with an EXIF block if an orientation is given."""
    if orientation is not None:
        exif = Image.Exif()
        exif[ORIENTATION] = orientation
        options["exif"] = exif
    stream = io.BytesIO()
    image.save(stream, kind, **options)
    return stream.getvalue()


def deep_tiff(values: NDArray[Any], orientation: int = 1, **options: Any) -> bytes:
    """A TIFF of any depth, (h, w) or (h, w, 3)."""
    stream = io.BytesIO()
    options.setdefault("photometric", "rgb" if values.ndim == 3 else "minisblack")
    tifffile.imwrite(stream, values, extratags=[(ORIENTATION, "H", 1, orientation, True)], **options)
    return stream.getvalue()


def opened(content: bytes) -> Image.Image:
    """The file as Pillow sees it."""
    return Image.open(io.BytesIO(content))
