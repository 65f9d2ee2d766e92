"""What is known before decoding, and what is refused by it."""

import io
import struct

import numpy as np
import pytest
import tifffile
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from dataengine.pictures.reading.decoding import decode_picture
from dataengine.pictures.reading.header import FORMATS, PictureFault, header_of, read_header

from ..helpers.made_pictures import deep_tiff, photo, saved

KINDS = ("JPEG", "PNG", "WEBP", "TIFF", "BMP", "GIF", "JPEG2000", "PPM", "AVIF")
TURNED = ("JPEG", "PNG", "WEBP", "TIFF", "AVIF")


@settings(max_examples=60)
@given(
    st.sampled_from(KINDS),
    st.integers(1, 70),
    st.integers(1, 70),
    st.integers(1, 8),
    st.sampled_from(["L", "RGB", "RGBA", "P", "1", "CMYK", "LA"]),
    st.booleans(),
)
def test_the_headers_size_is_that_of_the_pixels(
    kind: str, width: int, height: int, orientation: int, mode: str, progressive: bool
) -> None:
    image = photo(width, height).convert(mode)
    options = {"progressive": progressive} if kind == "JPEG" else {}
    try:
        content = saved(image, kind, orientation if kind in TURNED else None, **options)
    except (OSError, ValueError):  # a mode that the format does not have
        content = saved(image.convert("RGB"), kind, orientation if kind in TURNED else None, **options)
    header = header_of(content)
    assert header.format == kind
    assert (header.height, header.width, 3) == decode_picture(content).shape
    assert read_header(io.BytesIO(content)) == header


def test_each_format_is_named() -> None:
    assert set(KINDS) == set(FORMATS)


@pytest.mark.parametrize("kind", ["GIF", "PNG", "WEBP", "AVIF"])
def test_an_animation_is_refused(kind: str) -> None:
    frames = [photo(40, 30, seed) for seed in range(3)]
    content = saved(frames[0], kind, save_all=True, append_images=frames[1:])
    with pytest.raises(PictureFault, match="animation of 3 frames"):
        header_of(content)
    assert header_of(saved(frames[0], kind, save_all=True)).size == (40, 30)


def test_pages_are_refused_but_not_the_small_copy_of_the_first() -> None:
    with pytest.raises(PictureFault, match="document of 2 pages"):
        header_of(saved(photo(40, 30), "TIFF", save_all=True, append_images=[photo(40, 30, 1)]))
    stream = io.BytesIO()
    with tifffile.TiffWriter(stream) as writer:
        writer.write(np.asarray(photo(40, 30)))
        writer.write(np.asarray(photo(10, 8)), subfiletype=1)
    assert header_of(stream.getvalue()).size == (40, 30)


def test_a_phones_second_picture_is_passed_over() -> None:
    content = saved(photo(40, 30), "MPO", save_all=True, append_images=[photo(20, 10)])
    assert header_of(content).size == (40, 30) == decode_picture(content).shape[1::-1]


def test_a_jpeg_of_12_bits_is_refused_by_name() -> None:
    content = bytearray(saved(photo(40, 30), "JPEG"))
    content[content.index(b"\xff\xc0") + 4] = 12
    with pytest.raises(PictureFault, match="JPEG of 12 bits"):
        header_of(bytes(content))


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "empty"),
        (b"<html>", "none of the formats"),
        (b"\xff\xd8\xff", "ends within its header"),
        (b"\x89PNG\r\n\x1a\n", "ends within its header"),
        (b"\x89PNG\r\n\x1a\n" + struct.pack(">I4s", 13, b"IHDR") + b"\0\0", "ends within its header"),
        (b"GIF89a", "none of the formats"),
    ],
)
def test_what_is_no_picture_says_so(content: bytes, reason: str) -> None:
    with pytest.raises(PictureFault, match=reason):
        header_of(content)


def test_formats_that_run_programs_or_measure_are_not_opened() -> None:
    page = b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 10 10\n%%EndComments\nshowpage\n"
    with pytest.raises(PictureFault, match="none of the formats"):
        header_of(page)
    for values in (np.zeros((4, 5), np.float32), np.zeros((4, 5), np.int32)):
        with pytest.raises(PictureFault, match="32 bits"):
            decode_picture(deep_tiff(values))


@settings(max_examples=150)
@given(st.sampled_from(KINDS), st.integers(0, 2**32), st.integers(1, 4), st.floats(0, 1))
def test_damage_is_a_fault_and_nothing_else(kind: str, seed: int, flips: int, share: float) -> None:
    """Whatever a damaged file does, it gives an image of its header's size or a `PictureFault`."""
    rng = np.random.default_rng(seed)
    content = bytearray(saved(photo(33, 21, seed % 7), kind))
    for place in rng.integers(0, len(content), flips):
        content[place] ^= int(rng.integers(1, 256))
    damaged = bytes(content[: int(len(content) * share)] if seed % 2 else content)
    try:
        header = header_of(damaged)
        if header.width * header.height < 1_000_000:  # a flipped byte may state a large one
            assert decode_picture(damaged).shape == (header.height, header.width, 3)
    except PictureFault as fault:
        assert str(fault) and "\n" not in str(fault)


def test_size_limits_are_by_the_upright_size() -> None:
    stream = io.BytesIO()
    Image.new("L", (8000, 7000)).save(stream, "PNG")
    with pytest.raises(PictureFault, match="8000x7000 pixels are more than 50 million"):
        header_of(stream.getvalue())
