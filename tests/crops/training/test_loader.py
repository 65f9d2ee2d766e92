import threading
import time
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dataengine.crops.pixels import normalise
from dataengine.crops.spec import CropSpec
from dataengine.crops.training.augment import NO_AUGMENTATION
from dataengine.crops.training.loader import (
    THREAD_NAME,
    Batch,
    LoaderParams,
    WaitClock,
    epoch_batches,
    prefetch,
    view_batch,
)
from dataengine.crops.training.samples import CropSamples
from dataengine.errors import InputError, ParamsError

from ...helpers.scenes import STRONG, crowd

SPEC = CropSpec(48, 32)


@pytest.fixture(scope="module")
def samples(tmp_path_factory: pytest.TempPathFactory) -> CropSamples:
    return CropSamples(*crowd(tmp_path_factory.mktemp("crowd"), 10), SPEC, STRONG, weak=NO_AUGMENTATION)


def same(first: Batch, second: Batch) -> bool:
    return all(
        np.array_equal(getattr(first, name), getattr(second, name))
        for name in ("images", "keypoints_px", "joint_weight", "rows", "visibility")
    )


def test_items_come_in_order_and_once() -> None:
    for workers in (1, 3):
        assert list(prefetch(lambda i: i * i, range(20), workers=workers)) == [i * i for i in range(20)]


def test_items_are_made_ahead_but_not_without_bound() -> None:
    made: list[int] = []

    def make(i: int) -> int:
        made.append(i)
        return i

    items = prefetch(make, range(100))
    next(items)
    deadline = time.monotonic() + 5
    while len(made) < 4 and time.monotonic() < deadline:
        time.sleep(0.01)
    assert 4 <= len(made) <= 6
    items.close()  # type: ignore[attr-defined]


def test_a_fault_in_the_thread_is_raised_to_the_consumer() -> None:
    def make(i: int) -> int:
        if i == 2:
            raise ValueError("sample 2 is bad")
        return i

    with pytest.raises(ValueError, match="sample 2 is bad"):
        list(prefetch(make, range(5)))


def test_a_consumer_that_leaves_early_leaves_no_thread() -> None:
    items = prefetch(lambda i: i, range(1000), workers=2)
    next(items)
    items.close()  # type: ignore[attr-defined]
    assert not [thread for thread in threading.enumerate() if thread.name.startswith(THREAD_NAME)]


def test_waiting_is_measured() -> None:
    clock = WaitClock()
    list(prefetch(lambda i: time.sleep(0.02), range(5), waited=clock))
    assert clock.seconds > 0.05


def test_batches_hold_their_samples_normalised(samples: CropSamples) -> None:
    order = np.array([3, 1, 1, 9, 0])
    (batch, second) = epoch_batches(samples, order, 2, seed=5, epoch=7)
    drawn = samples.draw([3, 1], [(5, 7, 0), (5, 7, 1)])
    expected = normalise(np.stack([s.crop_rgb[..., ::-1] for s in drawn]))
    assert batch.images.shape == (2, 3, 32, 48)
    assert batch.images.dtype == np.float32
    assert batch.images.transpose(0, 2, 3, 1).flags.c_contiguous, "memory as torch's channels_last"
    np.testing.assert_allclose(batch.images, expected, atol=1e-6)
    np.testing.assert_allclose(batch.keypoints_px[1], drawn[1].keypoints_px, atol=1e-4)
    np.testing.assert_array_equal(batch.visibility[0], drawn[0].visibility)
    np.testing.assert_array_equal(batch.joint_weight > 0, batch.visibility > 0)
    assert second.rows.tolist() == [1, 9]


def test_the_number_of_workers_changes_nothing(samples: CropSamples) -> None:
    order = np.random.default_rng(0).integers(0, 10, 24)
    one = list(epoch_batches(samples, order, 4, 1, 2))
    three = list(epoch_batches(samples, order, 4, 1, 2, workers=3))
    assert len(one) == len(three) == 6
    assert all(map(same, one, three))
    other = next(epoch_batches(samples, order, 4, 1, 3))
    assert not same(one[0], other)


@settings(max_examples=15, deadline=None)
@given(st.integers(1, 5), st.integers(0, 99))
def test_the_ranks_of_a_distributed_run_see_together_what_one_process_sees(
    samples: CropSamples, world: int, seed: int
) -> None:
    order = np.random.default_rng(seed).integers(0, 10, 2 * world)
    places = np.arange(len(order))
    whole = {int(p): b for p, b in zip(places, epoch_batches(samples, order, 1, seed, 0), strict=True)}
    for rank in range(world):
        mine = places[rank::world]
        for place, batch in zip(mine, epoch_batches(samples, order[mine], 1, seed, 0, places=mine), strict=True):
            assert same(batch, whole[int(place)])


def test_view_batches_hold_both_views_of_the_same_people(samples: CropSamples) -> None:
    rows = np.arange(3, 8)
    seeds = [(1, 2, 3 + i) for i in range(5)]
    batch, pairs = view_batch(samples, rows, seeds), samples.views(rows, seeds)
    np.testing.assert_array_equal(batch.weak.rows, rows)
    np.testing.assert_array_equal(batch.strong.rows, rows)
    for i, pair in enumerate(pairs):
        np.testing.assert_allclose(batch.strong_from_weak[i], pair.strong_from_weak)
        np.testing.assert_allclose(batch.strong.keypoints_px[i], pair.strong.keypoints_px, atol=1e-4)
        np.testing.assert_allclose(batch.weak.keypoints_px[i], pair.weak.keypoints_px, atol=1e-4)
        assert batch.mirrored[i] == pair.mirrored


def test_a_broken_picture_names_itself_through_the_threads(tmp_path: Path) -> None:
    people, images = crowd(tmp_path, 4)
    Path(str(images.path[1])).write_bytes(b"no picture")
    with pytest.raises(InputError, match=r"001\.jpg"):
        list(epoch_batches(CropSamples(people, images, SPEC, STRONG), np.arange(4), 2, 0, 0, workers=2))


def test_loader_params(tmp_path: Path) -> None:
    assert LoaderParams().store() is None
    assert LoaderParams(cache_folder=str(tmp_path / "crops")).store() is not None
    for bad in ({"workers": 0}, {"cache_gb": 0.0}, {"cache_gb": float("nan")}):
        with pytest.raises(ParamsError):
            LoaderParams(**bad)  # type: ignore[arg-type]
