"""Multi-index hashing against comparing all pairs, and what it is for: altered pictures found, others not."""

import io
from itertools import combinations
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from PIL import Image

from dataengine.datasets.checks.near_duplicates import clusters, near_duplicates, near_pairs
from dataengine.errors import ParamsError
from dataengine.leakage.perceptual_hash import perceptual_hashes


def all_pairs(hashes: list[int], bits: int) -> set[tuple[int, int]]:
    return {(a, b) for a, b in combinations(range(len(hashes)), 2) if (hashes[a] ^ hashes[b]).bit_count() <= bits}


def groups(count: int, pairs: set[tuple[int, int]]) -> list[int]:
    """Smallest member of each row's group, by repeated relabelling."""
    label = list(range(count))
    for _ in range(count):
        for a, b in pairs:
            label[a] = label[b] = min(label[a], label[b])
    return label


@st.composite
def close_hashes(draw: st.DrawFn) -> list[int]:
    """Hashes around a few centres, so that some lie within the radius and some just outside."""
    centres = draw(st.lists(st.integers(0, 2**64 - 1), min_size=1, max_size=4))
    flips = st.lists(st.integers(0, 63), max_size=8, unique=True)
    members = st.tuples(st.sampled_from(centres), flips)
    return [c ^ sum(1 << bit for bit in f) for c, f in draw(st.lists(members, min_size=1, max_size=25))]


@given(close_hashes(), st.integers(0, 11))
@settings(deadline=None)
def test_the_pairs_and_groups_are_those_of_comparing_all(hashes: list[int], bits: int) -> None:
    first, second = near_pairs(np.array(hashes, dtype=np.uint64), bits)
    found, every = set(zip(first.tolist(), second.tolist(), strict=True)), all_pairs(hashes, bits)
    assert found <= every and all(a < b for a, b in found)
    copies = {b for a, b in every if hashes[a] == hashes[b]}
    assert {(a, b) for a, b in every if not {a, b} & copies} <= found, "pairs of different hashes are all there"
    assert clusters(len(hashes), (first, second)).tolist() == groups(len(hashes), every)


def test_a_thousand_copies_are_a_chain_not_half_a_million_pairs() -> None:
    first, second = near_pairs(np.full(1000, 77, dtype=np.uint64), 10)
    assert first.tolist() == [0] * 999 and second.tolist() == list(range(1, 1000))


def test_a_radius_that_cannot_be_indexed_is_refused() -> None:
    with pytest.raises(ParamsError, match="0 to 11"):
        near_pairs(np.zeros(1, dtype=np.uint64), 12)


def coarse_scene(seed: int) -> Image.Image:
    coarse: NDArray[np.uint8] = np.random.default_rng(seed).integers(0, 256, (7, 7, 3), dtype=np.uint8)
    return Image.fromarray(coarse).resize((320, 240), Image.Resampling.BICUBIC)


def altered(picture: Image.Image) -> list[Image.Image]:
    """Smaller, re-encoded hard, brighter, grey."""
    buffer = io.BytesIO()
    picture.save(buffer, "JPEG", quality=30)
    hard = Image.open(buffer)
    return [picture.resize((200, 150)), hard, picture.point(lambda v: min(255, v + 25)), picture.convert("L")]


def thumbnail(picture: Image.Image) -> NDArray[np.uint8]:
    return np.asarray(picture.convert("L").resize((32, 32), Image.Resampling.LANCZOS))


def test_altered_pictures_are_found_and_different_ones_are_not() -> None:
    scenes = [coarse_scene(seed) for seed in range(60)]
    versions = [picture for scene in scenes for picture in (scene, *altered(scene))]
    thumbnails = np.stack([thumbnail(picture) for picture in versions])
    pairs = near_duplicates(perceptual_hashes(thumbnails), thumbnails, bits=10, correlation=0.75)
    found = clusters(len(versions), pairs)
    assert (found == np.repeat(np.arange(60) * 5, 5)).all()


def test_alike_hashes_of_unlike_pictures_differ_by_their_thumbnails() -> None:
    thumbnails = np.random.default_rng(0).integers(0, 256, (2, 32, 32), dtype=np.uint8)
    same_hash = np.array([5, 5], dtype=np.uint64)
    assert len(near_duplicates(same_hash, thumbnails, bits=10, correlation=0.75)[0]) == 0


@pytest.mark.slow
def test_a_hundred_thousand_hashes_give_every_planted_pair() -> None:
    rng = np.random.default_rng(1)
    hashes = rng.integers(0, 2**64, 100_000, dtype=np.uint64)
    flips = rng.integers(0, 64, (500, 10))
    for row, bits in enumerate(flips):
        hashes[99_000 + row] = hashes[row] ^ np.uint64(sum(1 << int(bit) for bit in set(bits)))
    first, second = near_pairs(hashes, 10)
    found = set(zip(first.tolist(), second.tolist(), strict=True))
    assert {(row, 99_000 + row) for row in range(500)} <= found


@pytest.fixture(scope="module")
def photographs(shared_data: Path) -> list[tuple[Image.Image, NDArray[np.uint8]]]:
    """400 pictures of LSPET with their thumbnails, read once."""
    paths = sorted((shared_data / "lspet/images").glob("*.jpg"))
    drawn = np.random.default_rng(0).choice(len(paths), 400, replace=False)
    pictures = [Image.open(io.BytesIO(paths[row].read_bytes())) for row in drawn]
    return [(picture, thumbnail(picture)) for picture in pictures]


@pytest.mark.realdata
@pytest.mark.slow
@pytest.mark.parametrize(
    ("alteration", "least", "most"),
    [("half size", 0.98, 1), ("JPEG 40", 0.98, 1), ("brighter", 0.98, 1), ("crop 3 %", 0.85, 1), ("crop 8 %", 0, 0.3)],
)
def test_altered_photographs_are_found_as_often_as_we_say(
    photographs: list[tuple[Image.Image, NDArray[np.uint8]]], alteration: str, least: float, most: float
) -> None:
    found = []
    for picture, plain in photographs:
        thumbnails = np.stack([plain, thumbnail(altered_photograph(picture, alteration))])
        pairs = near_duplicates(perceptual_hashes(thumbnails), thumbnails, bits=10, correlation=0.75)
        found.append(len(pairs[0]))
    print(f"{alteration}: {np.mean(found):.1%} found")
    assert least <= np.mean(found) <= most


def altered_photograph(picture: Image.Image, alteration: str) -> Image.Image:
    if alteration.startswith("crop"):
        cut = int(alteration.split()[1]) / 100
        width, height = picture.size
        return picture.crop((int(cut * width), int(cut * height), int((1 - cut) * width), int((1 - cut) * height)))
    if alteration == "half size":
        return picture.resize((max(8, picture.width // 2), max(8, picture.height // 2)))
    if alteration == "brighter":
        return picture.point(lambda value: min(255, int(1.2 * value)))
    buffer = io.BytesIO()
    picture.save(buffer, "JPEG", quality=40)
    return Image.open(buffer)
