"""All eight orientations, in every format that states one: pixels and sizes as Pillow's exif_transpose has them."""

import struct

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image, ImageOps

from dataengine.pictures.reading.decoding import decode, decode_picture
from dataengine.pictures.reading.header import header_of
from dataengine.pictures.reading.orientation import orientation_of, turned

from ..helpers.made_pictures import LOSSLESS, LOSSY, ORIENTATION, deep_tiff, opened, photo, saved


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("kind", [*LOSSLESS, *LOSSY])
def test_pixels_and_sizes_are_upright(kind: str, orientation: int) -> None:
    content = saved(photo(60, 40), kind, orientation, **(LOSSLESS | LOSSY)[kind])
    upright = ImageOps.exif_transpose(opened(content)).convert("RGB")
    image = decode_picture(content)
    assert header_of(content).size == upright.size == image.shape[1::-1]
    np.testing.assert_allclose(image[..., ::-1].astype(int), np.asarray(upright), atol=1 if kind == "JPEG" else 0)
    assert header_of(content).orientation == orientation
    assert header_of(content).stored_size == (60, 40)


@pytest.mark.parametrize("orientation", range(1, 9))
def test_deep_pictures_are_turned_too(orientation: int) -> None:
    grey = np.random.default_rng(0).integers(0, 65536, (5, 8), dtype=np.uint16)
    colour = np.random.default_rng(1).integers(0, 65536, (5, 8, 3), dtype=np.uint16)
    for values in (grey, colour):
        content = deep_tiff(values, orientation)
        image = decode_picture(content)
        reference = Image.fromarray((values >> 8).astype(np.uint8)).convert("RGB")
        exif = reference.getexif()
        exif[ORIENTATION] = orientation
        np.testing.assert_array_equal(image[..., ::-1], np.asarray(ImageOps.exif_transpose(reference)))
        assert header_of(content).size == image.shape[1::-1]


@pytest.mark.parametrize("factor", [1, 2, 4, 8])
@pytest.mark.parametrize("orientation", range(1, 9))
def test_a_reduced_pixel_covers_the_pixels_it_says(factor: int, orientation: int) -> None:
    """In a picture whose values are its coordinates, each pixel shows where it came from, also after a turn."""
    for width, height in ((333, 237), (320, 240)):
        ys, xs = np.mgrid[0:height, 0:width]
        image = np.stack([xs * 0, ys, xs / 2], axis=2).astype(np.uint8)
        content = saved(Image.fromarray(image), "JPEG", orientation, quality=98, subsampling=0)
        full, small = decode_picture(content), decode(content, reduction=factor)
        taken = small.reduction
        assert taken == (factor if orientation == 1 or width % factor == height % factor == 0 else 1)
        assert small.pixels.shape[:2] == tuple(-(-side // taken) for side in full.shape[:2])
        for x, y in np.stack(np.meshgrid(np.arange(2, 24, 5), np.arange(2, 24, 5)), axis=2).reshape(-1, 2):
            block = full[y * taken : (y + 1) * taken, x * taken : (x + 1) * taken]
            np.testing.assert_allclose(small.pixels[y, x].astype(float), block.mean(axis=(0, 1)), atol=3)


def test_an_exif_block_behind_a_pngs_pixels_counts() -> None:
    content = saved(photo(30, 20), "PNG", 6)
    at = content.index(b"eXIf") - 4
    length = 12 + int.from_bytes(content[at : at + 4], "big")
    end = content.index(b"IEND") - 4
    moved = content[:at] + content[at + length : end] + content[at : at + length] + content[end:]
    assert moved.index(b"IDAT") < moved.index(b"eXIf")
    assert header_of(moved).size == (20, 30) == decode_picture(moved).shape[1::-1]


def test_an_exif_block_behind_other_blocks_of_a_jpeg_counts() -> None:
    content = saved(photo(30, 20), "JPEG", 8)
    filler = b"".join(b"\xff\xed" + struct.pack(">H", 60_002) + bytes(60_000) for _ in range(3))
    assert header_of(content[:2] + filler + content[2:]).orientation == 8


@given(st.integers(1, 8), st.sampled_from(["<", ">"]), st.sampled_from([(1, "B"), (3, "H"), (4, "I")]), st.booleans())
def test_every_way_to_write_the_tag_is_read(value: int, order: str, kind: tuple[int, str], marked: bool) -> None:
    entry = struct.pack(f"{order}HHI", ORIENTATION, kind[0], 1)
    entry += struct.pack(f"{order}{kind[1]}", value).ljust(4, b"\0")
    other = struct.pack(f"{order}HHII", 0x0100, 4, 1, 640)
    start = b"II*\0" if order == "<" else b"MM\0*"
    block = start + struct.pack(f"{order}IH", 8, 2) + other + entry + bytes(4)
    assert orientation_of((b"Exif\0\0" if marked else b"") + block) == value


@given(st.binary(max_size=60) | st.binary(max_size=60).map(lambda rest: b"Exif\0\0MM\0*\0\0\0\x08" + rest))
def test_a_damaged_block_states_none(block: bytes) -> None:
    assert 1 <= orientation_of(block) <= 8


@pytest.mark.parametrize("value", [0, 9, 65535])
def test_a_value_without_meaning_is_none(value: int) -> None:
    content = saved(photo(30, 20), "JPEG", value)
    assert header_of(content).orientation == 1


def test_turning_grey_and_colour_is_the_same() -> None:
    image = np.random.default_rng(0).integers(0, 256, (4, 7, 3), dtype=np.uint8)
    for orientation in range(1, 9):
        np.testing.assert_array_equal(turned(image, orientation)[..., 1], turned(image[..., 1].copy(), orientation))
