"""Batches of training samples, made in threads while the network works on the batch before.

Threads, not processes: most of a sample's time is spent in OpenCV and numpy code that releases Python's global lock,
threads share the patches in memory, and no batch is copied between processes (``loader.two_threads_vs_processes`` of
the benchmark compares). What a batch holds depends on (seed, epoch, place in the epoch) alone: never on timing, on the
number of workers, or on how an epoch is divided among the ranks of a distributed run (`places`).
"""

import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import cv2
import numpy as np
from numpy.typing import NDArray

from dataengine.crops.pixels import Normaliser
from dataengine.crops.spec import affine_scale
from dataengine.crops.training.patch_store import PatchStore
from dataengine.crops.training.samples import CropSamples, Sample
from dataengine.errors import ParamsError
from dataengine.hardware.threads import available_cores, use_all_cores

Item = TypeVar("Item")
THREAD_NAME = "prefetch"
MOST_WORKERS = 16
_BATCHES_AHEAD = 3  # beyond those being made


@dataclass(frozen=True)
class LoaderParams:
    """How crops are prepared while the network trains. None of it changes what is trained on."""

    workers: int | None = None
    """Threads that make batches. Null: one next to a network on the CPU, which needs the cores itself; for a GPU all
    cores but one, 16 at most."""
    cache_folder: str = ""
    """Patches are kept here between runs; empty keeps them in memory only. Several processes may share it."""
    cache_gb: float = 8.0
    """Size limit of the folder, GB."""

    def __post_init__(self) -> None:
        if (self.workers is not None and self.workers < 1) or not self.cache_gb > 0:
            raise ParamsError("workers and cache_gb", expected="workers null or >= 1, and cache_gb > 0")

    def threads(self, device: str) -> int:
        """Number of threads that make batches for a network on `device`, cpu or cuda."""
        return self.workers or (1 if device == "cpu" else max(1, min(MOST_WORKERS, available_cores() - 1)))

    def store(self) -> PatchStore | None:
        """The store on disk; None without a `cache_folder`."""
        return PatchStore(Path(self.cache_folder), int(self.cache_gb * 1e9)) if self.cache_folder else None


@dataclass(frozen=True, eq=False)
class Batch:
    """b samples."""

    # (b, 3, H, W), normalised, or uint8 RGB as it is; in memory (b, H, W, 3), which is torch's channels_last
    images: NDArray[np.float32] | NDArray[np.uint8]
    keypoints_px: NDArray[np.float32]  # (b, 17, 2) crop pixels
    joint_weight: NDArray[np.float32]  # (b, 17)
    rows: NDArray[np.int64]  # (b,) which persons
    visibility: NDArray[np.uint8]  # (b, 17) 0 not labelled or outside, 1 occluded or blotted out, 2 visible
    crop_scale: NDArray[np.float64]  # (b,) crop pixels per image pixel, augmentation included
    in_crop: NDArray[np.float32]  # (b, 17) 1 in the crop, 0 not, -1 nobody knows


@dataclass(frozen=True, eq=False)
class ViewBatch:
    """b persons, each in a weak and a strong view."""

    weak: Batch
    strong: Batch
    strong_from_weak: NDArray[np.float64]  # (b, 2, 3) from the weak crops' pixels to the strong crops'
    mirrored: NDArray[np.bool_]  # (b,) left and right joints change names from one view to the other


@dataclass
class WaitClock:
    """Seconds that the consumer of batches spent waiting for them."""

    seconds: float = 0.0


def epoch_batches(
    samples: CropSamples,
    order: NDArray[np.int64],
    batch: int,
    seed: int,
    epoch: int,
    *,
    workers: int = 1,
    places: NDArray[np.int64] | None = None,
    waited: WaitClock | None = None,
) -> Iterator[Batch]:
    """The samples `order` names, in that order, `batch` at a time; an incomplete last batch is left out.

    (A batch of a few samples would give batch norm statistics of a few samples.) `places` are the samples' places in
    the whole epoch where `order` is one rank's part of it: the union of all ranks then is what one process would see.
    """
    return prepared_batches(
        samples, order, batch, seed, epoch, prepare=_as_it_is, workers=workers, places=places, waited=waited
    )


def prepared_batches(
    samples: CropSamples,
    order: NDArray[np.int64],
    batch: int,
    seed: int,
    epoch: int,
    prepare: Callable[[Batch], Item],
    *,
    raw: bool = False,
    workers: int = 1,
    places: NDArray[np.int64] | None = None,
    waited: WaitClock | None = None,
) -> Iterator[Item]:
    """Like `epoch_batches`, but yields what `prepare` makes of each batch, in the loader's threads.

    `raw` leaves the images as uint8, for a device that normalises them itself.
    """

    def make(start: int) -> Item:
        rows = order[start : start + batch]
        drawn = samples.draw(rows, sample_seeds(seed, epoch, places, start, len(rows)))
        return prepare(collate(drawn, rows, raw=raw))

    return prefetch(make, _starts(order, batch), workers=workers, waited=waited)


def view_batch(
    samples: CropSamples, rows: NDArray[np.int64], seeds: Sequence[tuple[int, ...]], *, raw: bool = False
) -> ViewBatch:
    """Both views of the persons `rows` (b,), each drawn from its own seed.

    For training on unlabelled people by consistency (FixMatch: Sohn et al., NeurIPS 2020), where the answer to the weak
    view is the label of the strong one.
    """
    pairs = samples.views(rows, seeds)
    return ViewBatch(
        weak=collate([pair.weak for pair in pairs], rows, raw=raw),
        strong=collate([pair.strong for pair in pairs], rows, raw=raw),
        strong_from_weak=np.stack([pair.strong_from_weak for pair in pairs]),
        mirrored=np.array([pair.mirrored for pair in pairs]),
    )


def collate(drawn: Sequence[Sample], rows: NDArray[np.int64], *, raw: bool = False) -> Batch:
    """Samples of one size as a batch, normalised unless `raw`."""
    images = np.stack([sample.crop_rgb for sample in drawn]) if raw else _normalised(drawn)
    return Batch(
        images=images.transpose(0, 3, 1, 2),
        keypoints_px=np.stack([s.keypoints_px for s in drawn]).astype(np.float32),
        joint_weight=np.stack([s.joint_weight for s in drawn]),
        rows=rows,
        visibility=np.stack([s.visibility for s in drawn]),
        crop_scale=affine_scale(np.stack([s.crop_from_image for s in drawn])),
        in_crop=np.stack([s.in_crop for s in drawn]),
    )


def _normalised(drawn: Sequence[Sample]) -> NDArray[np.float32]:
    height, width = drawn[0].crop_rgb.shape[:2]
    images = np.empty((len(drawn), height, width, 3), dtype=np.float32)
    normaliser = Normaliser(height, width)
    for target, sample in zip(images, drawn, strict=True):
        normaliser.into(target, sample.crop_rgb)
    return images


def _as_it_is(batch: Batch) -> Batch:
    return batch


def prefetch(
    make: Callable[[int], Item],
    arguments: Sequence[int],
    *,
    workers: int = 1,
    waited: WaitClock | None = None,
) -> Iterator[Item]:
    """``make(a) for a in arguments``, computed in threads a few items ahead; its exceptions are raised here."""
    opencv_threads = cv2.getNumThreads()
    cv2.setNumThreads(1)  # crops are small: its own threads only fight these (1.7 times slower on two cores)
    pool = ThreadPoolExecutor(workers, thread_name_prefix=THREAD_NAME, initializer=use_all_cores)
    coming: deque[Future[Item]] = deque()
    clock = waited or WaitClock()
    try:
        for argument in arguments:
            coming.append(pool.submit(make, argument))
            if len(coming) >= workers + _BATCHES_AHEAD:
                yield _awaited(coming.popleft(), clock)
        while coming:
            yield _awaited(coming.popleft(), clock)
    finally:
        pool.shutdown(wait=True, cancel_futures=True)
        cv2.setNumThreads(opencv_threads)


def _awaited(item: "Future[Item]", clock: WaitClock) -> Item:
    started = time.perf_counter()
    try:
        return item.result()
    finally:
        clock.seconds += time.perf_counter() - started


def _starts(order: NDArray[np.int64], batch: int) -> range:
    return range(0, len(order) - batch + 1, batch)


def sample_seeds(
    seed: int, epoch: int, places: NDArray[np.int64] | None, start: int, count: int
) -> list[tuple[int, int, int]]:
    """The seeds of `count` samples from place `start` on, which lie at `places` of the whole epoch."""
    sample_places = range(start, start + count) if places is None else places[start : start + count]
    return [(seed, epoch, int(place)) for place in sample_places]
