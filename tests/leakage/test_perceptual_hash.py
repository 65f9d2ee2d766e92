"""Hashes against ImageHash, bit for bit; distances and correlations against plain Python and numpy."""

from pathlib import Path

import imagehash
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from PIL import Image, ImageFilter

from dataengine.leakage.perceptual_hash import correlations, hamming, perceptual_hashes
from dataengine.leakage.picture_facts import PictureFacts, inspect_picture


def as_number(reference: imagehash.ImageHash) -> int:
    return int(str(reference), 16)


@given(st.integers(0, 2**32 - 1), st.integers(1, 9))
@settings(max_examples=30, deadline=None)
def test_hashes_are_those_of_imagehash(seed: int, softness: int) -> None:
    noise = np.random.default_rng(seed).integers(0, 256, (5, 40, 52), dtype=np.uint8)
    pictures = [Image.fromarray(layer).filter(ImageFilter.GaussianBlur(softness)) for layer in noise]
    thumbnails = np.stack([np.asarray(p.resize((32, 32), Image.Resampling.LANCZOS)) for p in pictures])
    assert perceptual_hashes(thumbnails).tolist() == [as_number(imagehash.phash(p)) for p in pictures]


@given(st.lists(st.tuples(st.integers(0, 2**64 - 1), st.integers(0, 2**64 - 1)), max_size=20))
def test_distance_counts_differing_bits(pairs: list[tuple[int, int]]) -> None:
    a, b = (np.array([pair[i] for pair in pairs], dtype=np.uint64) for i in (0, 1))
    assert hamming(a, b).tolist() == [(x ^ y).bit_count() for x, y in pairs]


def test_correlation_is_pearsons_and_flat_pictures_are_compared_by_brightness() -> None:
    rng = np.random.default_rng(0)
    thumbnails = rng.integers(0, 256, (6, 32, 32), dtype=np.uint8)
    thumbnails[4], thumbnails[5] = 10, 200
    found = correlations(thumbnails, np.array([0, 1, 4, 4, 0]), np.array([2, 3, 4, 5, 4]))
    expected = [np.corrcoef(thumbnails[a].ravel(), thumbnails[b].ravel())[0, 1] for a, b in ((0, 2), (1, 3))]
    np.testing.assert_allclose(found[:2], expected)
    assert found[2:].tolist() == [1, 0, 0]


@pytest.mark.parametrize("size", [(640, 480), (1500, 2000), (90, 70), (33, 400)])
def test_decoding_small_changes_hardly_a_bit(tmp_path: Path, size: tuple[int, int]) -> None:
    for seed in range(4):
        path = tmp_path / f"{seed}.jpg"
        scene(seed, size).save(path, quality=88)
        look = inspect_picture(str(path))
        assert isinstance(look, PictureFacts) and look.header.size == size
        with Image.open(path) as image:
            reference = np.array([as_number(imagehash.phash(image))], dtype=np.uint64)
        assert hamming(perceptual_hashes(look.thumbnail[None]), reference)[0] <= 4


def scene(seed: int, size: tuple[int, int]) -> Image.Image:
    """A picture with large soft shapes, as photographs have."""
    coarse: NDArray[np.uint8] = np.random.default_rng(seed).integers(0, 256, (6, 6, 3), dtype=np.uint8)
    return Image.fromarray(coarse).resize(size, Image.Resampling.BICUBIC)
