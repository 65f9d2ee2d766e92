"""Scaled decoding, patches, and the store on disk that several processes share."""

import errno
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dataengine.crops.spec import CropSpec, apply_affine, crop_matrix, extract_crop
from dataengine.crops.training import patch_source
from dataengine.crops.training.augment import NO_AUGMENTATION
from dataengine.crops.training.patch import Patch, Region, cut_patch, patch_regions, reduction
from dataengine.crops.training.patch_store import PatchStore, patch_key
from dataengine.crops.training.samples import CropSamples
from dataengine.errors import EnvironmentFault

from ...helpers.scenes import STRONG, crowd, synthetic_before_real

SPEC = CropSpec(64, 48, 1.25)


@given(st.floats(0.01, 500))
def test_the_reduction_leaves_a_pixel_for_each_pixel_of_the_crop(ratio: float) -> None:
    factor = int(reduction(ratio))
    assert factor == 1 or factor <= ratio
    assert factor == 64 or 2 * factor > ratio


boxes = st.tuples(st.floats(-300, 500), st.floats(-300, 400), st.floats(3, 900), st.floats(3, 900))


@given(boxes, st.floats(1, 2.5), st.sampled_from([1, 2, 4]))
def test_a_patch_knows_where_it_stands(box: tuple[float, ...], reach: float, decoded: int) -> None:
    ys, xs = np.mgrid[0:240, 0:400]
    coordinates = np.stack([xs / 2, ys, xs * 0], axis=2).astype(np.uint8)
    size = 400 // decoded, 240 // decoded
    small = np.asarray(cv2.resize(coordinates, size, interpolation=cv2.INTER_AREA), dtype=np.uint8)
    patch = cut_patch(
        small, decoded, Region(*patch_regions(crop_matrix(np.array([box]), SPEC), SPEC, reach)[0].tolist())
    )
    height, width = patch.pixels.shape[:2]
    at = np.array([[0, 0], [width - 1, height - 1], [width // 2, height // 2]])
    where = apply_affine(patch.image_from_patch, at.astype(float))
    assert (where >= -0.5).all()
    for (x, y), place in zip(at, where, strict=True):
        np.testing.assert_allclose(patch.pixels[y, x, [2, 1]] * [2.0, 1.0], place, atol=2.6)


@pytest.mark.parametrize("size", [(320, 240), (1280, 960)])
def test_crops_equal_those_of_the_plain_pipeline_up_to_sampling(tmp_path: Path, size: tuple[int, int]) -> None:
    """Reference: decode in full, average blocks, one warpAffine."""
    people, images = crowd(tmp_path, 6, size=size)
    samples = CropSamples(people, images, SPEC, NO_AUGMENTATION)
    for row, sample in enumerate(samples.draw(range(6), [(0, row) for row in range(6)])):
        image = cv2.imread(samples.image_path(row))
        plain = extract_crop(np.asarray(image, np.uint8), crop_matrix(people.bbox_xywh_px, SPEC)[row], SPEC)
        difference = np.abs(sample.crop_rgb[..., ::-1].astype(int) - plain)[2:-2, 2:-2]
        assert difference.mean() < 2.5
        assert np.percentile(difference, 99) < 40  # edges, and the last pixels of the picture


def test_a_picture_is_decoded_once_for_all_its_people(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    people, images = crowd(tmp_path, 6, per_image=3)
    decoded: list[str] = []
    real = patch_source.decode_at

    def counted(path: str, *rest: Any) -> Any:
        decoded.append(path)
        return real(path, *rest)

    monkeypatch.setattr(patch_source, "decode_at", counted)
    samples = CropSamples(people, images, SPEC, STRONG)
    for row in range(6):
        samples.sample(row, (row,))
    assert len(decoded) == 2


def test_samples_are_the_same_from_picture_memory_and_store(tmp_path: Path) -> None:
    people, images = synthetic_before_real(tmp_path)
    store = PatchStore(tmp_path / "store", 10**8)
    kinds = [
        CropSamples(people, images, SPEC, STRONG),
        CropSamples(people, images, SPEC, STRONG, cache_bytes=0),
        CropSamples(people, images, SPEC, STRONG, cache_bytes=0, store=store),
        CropSamples(people, images, SPEC, STRONG, store=PatchStore(tmp_path / "store", 10**8)),
    ]
    for row in (0, 1):
        crops = [samples.sample(row, (7, row)).crop_rgb for samples in kinds for _ in range(2)]
        for crop in crops[1:]:
            np.testing.assert_array_equal(crop, crops[0])
    assert len(list((tmp_path / "store").rglob("*.patch"))) == 2


def some_patch(seed: int = 0, side: int = 40) -> Patch:
    return Patch(np.random.default_rng(seed).integers(0, 256, (side, side, 3), dtype=np.uint8), 2.0, 16, -0)


def test_what_is_stored_comes_back(tmp_path: Path) -> None:
    store = PatchStore(tmp_path, 10**7)
    store.put("ab12", some_patch())
    back = PatchStore(tmp_path, 10**7).get("ab12")
    assert back is not None
    np.testing.assert_array_equal(back.pixels, some_patch().pixels)
    assert (back.factor, back.x0, back.y0) == (2.0, 16, 0)
    assert store.get("ab13") is None


@pytest.mark.parametrize("damage", ["truncate", "flip", "header", "empty", "longer"])
def test_a_damaged_entry_is_dropped_and_made_again(tmp_path: Path, damage: str) -> None:
    store = PatchStore(tmp_path, 10**7)
    store.put("ab12", some_patch())
    (path,) = tmp_path.rglob("*.patch")
    content = bytearray(path.read_bytes())
    if damage == "flip":
        content[200] ^= 1
    if damage == "header":
        content[13] ^= 0xFF
    cut: dict[str, bytes] = {"truncate": bytes(content[:500]), "empty": b"", "longer": bytes(content) + b"x"}
    path.write_bytes(cut.get(damage, bytes(content)))
    assert store.get("ab12") is None
    assert not path.exists()
    store.put("ab12", some_patch())
    assert store.get("ab12") is not None


def test_the_store_keeps_to_its_limit_and_drops_what_was_longest_unused(tmp_path: Path) -> None:
    size = 40 * 40 * 3
    store = PatchStore(tmp_path, 20 * size)
    for number in range(15):
        store.put(f"{number:04x}", some_patch(number))
        (path,) = tmp_path.rglob(f"{number:04x}.patch")
        os.utime(path, (number, number))
    assert store.get("0000") is not None  # used just now
    for number in range(15, 40):
        store.put(f"{number:04x}", some_patch(number))
        assert sum(p.stat().st_size for p in tmp_path.rglob("*.patch")) <= 22 * size
    assert store.get("0001") is None
    assert store.get(f"{39:04x}") is not None


def test_keys_differ_by_whatever_changes_a_patch() -> None:
    content, region = bytes(range(9)), Region(0, 0, 8, 8, 2)
    keys = {
        patch_key(content, 1, region),
        patch_key(content[::-1], 1, region),
        patch_key(content, 2, region),
        patch_key(content, 1, Region(0, 0, 8, 8, 4)),
        patch_key(content, 1, region, b"mask"),
    }
    assert len(keys) == 5


def test_a_store_on_a_disk_that_has_become_read_only_is_read_and_no_longer_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """There even removing a file that is not there fails."""

    def refuse(path: Path, *_: object, **__: object) -> None:
        raise OSError(errno.EROFS, "Read-only file system", str(path))

    store = PatchStore(tmp_path, 10**7)
    store.put("ab12", some_patch())
    (tmp_path / "cd").mkdir()
    (tmp_path / "cd" / "cd34.patch").write_bytes(b"damaged")
    for name in ("mkdir", "unlink", "write_bytes"):
        monkeypatch.setattr(Path, name, refuse)
    assert store.get("ab12") is not None
    assert store.get("cd34") is None
    for _ in range(2):
        store.put("ef56", some_patch())
    said = capsys.readouterr().err
    assert said.count("nothing more is stored") == 1, said


def test_a_store_that_cannot_be_made_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(EnvironmentFault, match="crop cache"):
        PatchStore(tmp_path / "file" / "store", 10**6)


HAMMER = """
import sys
from pathlib import Path
import numpy as np
from dataengine.crops.training.patch import Patch
from dataengine.crops.training.patch_store import PatchStore
store, seed = PatchStore(Path(sys.argv[1]), 400_000), int(sys.argv[2])
rng, hits = np.random.default_rng(seed), 0
for _ in range(600):
    number = int(rng.integers(60))
    expected = np.full((60, 60, 3), number, np.uint8)
    found = store.get(f"{number:04x}")
    if found is None:
        store.put(f"{number:04x}", Patch(expected, 1.0, number, 0))
    else:
        hits += 1
        assert found.x0 == number and (found.pixels == number).all()
print(hits)
"""


def test_two_processes_share_a_store_that_is_too_small_for_them(tmp_path: Path) -> None:
    command = [sys.executable, "-c", HAMMER, str(tmp_path)]
    running = [subprocess.Popen([*command, str(seed)], stdout=subprocess.PIPE, text=True) for seed in (1, 2)]
    hits = [int(process.communicate(timeout=120)[0]) for process in running]
    assert [process.returncode for process in running] == [0, 0]
    assert min(hits) > 50
    assert sum(p.stat().st_size for p in tmp_path.rglob("*.patch")) < 400_000 * (1 + 3 / 16)
    assert not list(tmp_path.rglob("*.partial"))
