"""16-bit pictures keep what they show."""

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from dataengine.leakage.perceptual_hash import correlations
from dataengine.leakage.picture_facts import PictureFacts, facts_of
from dataengine.pictures.reading.decoding import decode
from dataengine.pictures.reading.header import PictureFault
from dataengine.pictures.reading.samples import DEPTHS, to_eight_bits

from ..helpers.made_pictures import deep_tiff, photo, saved


@given(st.integers(0, 65535), st.integers(0, 2**32))
def test_the_upper_8_bits_of_the_depth_are_kept(largest: int, seed: int) -> None:
    values = np.random.default_rng(seed).integers(0, largest + 1, (5, 7)).astype(np.uint16)
    values[0, 0] = largest
    grey, depth = to_eight_bits(values)
    assert depth in DEPTHS and largest < 2**depth
    assert depth == 8 or largest >= 2 ** (depth - 2)
    np.testing.assert_array_equal(grey, values // 2 ** (depth - 8))


def scene(seed: int, top: int) -> np.ndarray:
    """Values from 0 to `top`, (48, 64)."""
    grey = np.asarray(photo(64, 48, seed).convert("L")).astype(float)
    return np.rint((grey - grey.min()) / (grey.max() - grey.min()) * top).astype(np.uint16)


@pytest.mark.parametrize(("top", "depth"), [(58_082, 16), (3_629, 12), (200, 8), (16_000, 14)])
@pytest.mark.parametrize("kind", ["PNG", "TIFF"])
def test_grey_of_16_bits_as_field_cameras_store_it(kind: str, top: int, depth: int) -> None:
    values = scene(0, top)
    picture = decode(saved(Image.fromarray(values), kind))
    assert picture.depth == depth
    for channel in range(3):
        np.testing.assert_array_equal(picture.pixels[..., channel], values >> (depth - 8))


@pytest.mark.parametrize(("top", "depth"), [(65_535, 16), (4_095, 12)])
def test_colour_of_16_bits(top: int, depth: int) -> None:
    values = np.stack([scene(seed, top) for seed in range(3)], axis=2)
    png = cv2.imencode(".png", values[..., ::-1])[1].tobytes()
    for content in (png, deep_tiff(values)):
        picture = decode(content)
        assert picture.depth == depth
        np.testing.assert_array_equal(picture.pixels[..., ::-1], values >> (depth - 8))
    with pytest.raises(PictureFault):
        decode(png[: len(png) // 2])


def test_alpha_of_16_bits_is_no_part_of_the_depth() -> None:
    values = np.stack([scene(seed, 4_095) for seed in range(3)] + [np.full((48, 64), 65_535, np.uint16)], axis=2)
    values[0, 0, 3] = 0
    picture = decode(cv2.imencode(".png", values)[1].tobytes())
    assert picture.depth == 12 and picture.pixels[0, 0].tolist() == [255] * 3
    np.testing.assert_array_equal(picture.pixels[1:], values[1:, :, :3] >> 4)


def test_where_0_is_white_deep_pictures_are_refused_and_others_turned_round() -> None:
    values = scene(0, 60_000)
    with pytest.raises(PictureFault, match="0 is white"):
        decode(deep_tiff(values, photometric="miniswhite"))
    shallow = (values >> 8).astype(np.uint8)
    np.testing.assert_array_equal(decode(deep_tiff(shallow, photometric="miniswhite")).pixels[..., 0], 255 - shallow)


def test_thirty_pictures_of_16_bits_are_thirty_pictures() -> None:
    """Clipped at 255 they would all be white, and near duplicates of each other."""
    tops = [58_082] * 20 + [3_629] * 10
    contents = [saved(Image.fromarray(scene(seed, top)), "PNG") for seed, top in enumerate(tops)]
    facts = [look for content in contents if isinstance(look := facts_of(content), PictureFacts)]
    assert [look.depth for look in facts] == [16] * 20 + [12] * 10
    thumbnails = np.array([look.thumbnail for look in facts])
    first, second = np.triu_indices(30, 1)
    assert correlations(thumbnails, first, second).max() < 0.95
    assert thumbnails.std(axis=(1, 2)).min() > 20
