"""Batches of training samples, made in a thread while the network works on the batch before.

One thread is enough: cutting and colouring a 128 px crop takes well under a millisecond, in OpenCV and numpy code that
runs beside PyTorch's. What a batch holds depends on (seed, epoch, place in the epoch) alone, never on timing.
"""

import queue
import threading
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from dataengine.crops.pixels import MEAN_RGB, STD_RGB, normalise
from dataengine.crops.samples import CropSamples

Item = TypeVar("Item")
_BATCHES_AHEAD = 3


@dataclass(frozen=True, eq=False)
class Batch:
    """b samples."""

    images: NDArray[np.float32]  # (b, 3, H, W), normalised
    keypoints_px: NDArray[np.float32]  # (b, 17, 2) crop pixels
    joint_weight: NDArray[np.float32]  # (b, 17)
    rows: NDArray[np.int64]  # (b,) which persons


def epoch_batches(samples: CropSamples, order: NDArray[np.int64], batch: int, seed: int, epoch: int) -> Iterator[Batch]:
    """The samples `order` names, in that order, `batch` at a time; an incomplete last batch is left out.

    (A batch of a few samples would give batch norm statistics of a few samples.)
    """
    starts = range(0, len(order) - batch + 1, batch)

    def make(start: int) -> Batch:
        rows = order[start : start + batch]
        drawn = [samples.sample(int(row), (seed, epoch, start + i)) for i, row in enumerate(rows)]
        return Batch(
            images=normalise(np.stack([s.crop_bgr for s in drawn]), MEAN_RGB, STD_RGB),
            keypoints_px=np.stack([s.keypoints_px for s in drawn]).astype(np.float32),
            joint_weight=np.stack([s.joint_weight for s in drawn]),
            rows=rows,
        )

    return prefetch(make, starts)


def prefetch(make: Callable[[int], Item], arguments: Sequence[int]) -> Iterator[Item]:
    """``make(a) for a in arguments``, computed in a thread a few items ahead; its exceptions are raised here."""
    ready: queue.Queue[Item | BaseException | None] = queue.Queue(_BATCHES_AHEAD)
    stop = threading.Event()

    def work() -> None:
        try:
            for argument in arguments:
                if not _put(ready, make(argument), stop):
                    return
            _put(ready, None, stop)
        except BaseException as error:  # whatever went wrong belongs to the consumer
            _put(ready, error, stop)

    thread = threading.Thread(target=work, name="prefetch", daemon=True)
    thread.start()
    try:
        while (item := ready.get()) is not None:
            if isinstance(item, BaseException):
                raise item
            yield item
    finally:
        stop.set()
        thread.join()


def _put(
    ready: "queue.Queue[Item | BaseException | None]", item: Item | BaseException | None, stop: threading.Event
) -> bool:
    """Hand `item` over; False when the consumer has gone."""
    while not stop.is_set():
        try:
            ready.put(item, timeout=0.1)
        except queue.Full:
            continue
        return True
    return False
