"""Pictures that another library opened with Pillow: the same pixels as those of their files."""

from io import BytesIO

import numpy as np
import pytest
from PIL import Image

from dataengine.pictures.opened import decode_opened
from dataengine.pictures.reading.decoding import decode_picture

ORIENTATION = 0x0112


def picture(mode: str) -> Image.Image:
    rng = np.random.default_rng(0)
    if mode == "I;16":
        return Image.fromarray(rng.integers(0, 2**16, (5, 7), np.uint16))
    return Image.fromarray(rng.integers(0, 255, (5, 7, 4), np.uint8), "RGBA").convert(mode)


@pytest.mark.parametrize("mode", ["1", "L", "LA", "P", "RGB", "RGBA", "I;16"])
def test_pixels_are_those_of_the_file(mode: str) -> None:
    content = BytesIO()
    picture(mode).save(content, "PNG")
    np.testing.assert_array_equal(decode_opened(Image.open(content)), decode_picture(content.getvalue()))


@pytest.mark.parametrize("mode", ["CMYK", "YCbCr", "HSV"])
def test_other_colours_are_what_pillow_shows(mode: str) -> None:
    opened = picture("RGB").convert(mode)
    np.testing.assert_array_equal(decode_opened(opened)[..., ::-1], np.asarray(opened.convert("RGB")))


@pytest.mark.parametrize("orientation", range(1, 9))
def test_the_tag_turns_them_once(orientation: int) -> None:
    exif = Image.Exif()
    exif[ORIENTATION] = orientation
    content = BytesIO()
    picture("RGB").save(content, "PNG", exif=exif)
    upright = decode_picture(content.getvalue())
    assert upright.shape[:2] == ((5, 7) if orientation < 5 else (7, 5))
    np.testing.assert_array_equal(decode_opened(Image.open(content)), upright)
