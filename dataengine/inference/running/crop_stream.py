"""Pictures to batches of crops, in threads ahead of whoever reads them, through a few buffers of fixed size.

Every picture is decoded once, for all its people, in the order in which pictures first appear. A crop's place is known
before it is cut, so threads write straight into the batch's buffer, whatever order they finish in. They wait where a
buffer is still being read. That cannot lock up: pictures are taken in order, so the thread whose crop comes first
waits for nobody but the reader.
"""

import threading
from collections.abc import Callable, Iterator
from types import TracebackType

import cv2
import numpy as np
from numpy.typing import NDArray

from dataengine.crops.pixels import people_by_picture
from dataengine.crops.spec import CropSpec, crop_matrix, extract_crop
from dataengine.hardware.threads import available_cores
from dataengine.inference.running.sessions import IN_FLIGHT
from dataengine.people import Images, People
from dataengine.pictures.reading.decoding import read_picture

THREAD_NAME = "crop"
MOST_THREADS = 16  # Python's own share of a crop runs in one thread at a time: more would wait for each other
_BUFFERS = IN_FLIGHT + 2


class _Stopped(Exception):
    """Nobody reads any further."""


class CropStream:
    """Batches ``(rows (b,), crops (b, H, W, 3) BGR)`` of people, the last as long as it comes.

    To be used in a ``with`` block, which ends the threads however it is left. The memory of a batch is used again once
    the `IN_FLIGHT`-th batch after it is asked for.
    """

    def __init__(
        self,
        people: People,
        images: Images,
        spec: CropSpec,
        *,
        batch: int,
        threads: int | None = None,
        allocate: Callable[[tuple[int, ...]], NDArray[np.uint8]] | None = None,
    ) -> None:
        """`threads`: None takes all cores but one. `allocate` gives the buffers' memory.

        Raises:
            InputError: a box is empty, or an image is not in the table.
        """
        self.matrices = crop_matrix(people.bbox_xywh_px, spec)  # (n, 2, 3)
        self._spec, self._paths, self._batch = spec, images.path, min(batch, max(len(people), 1))
        self._pictures = people_by_picture(images.rows_of(people.image_id))
        groups = [rows for _, rows in self._pictures]
        self._order = np.concatenate(groups) if groups else np.empty(0, dtype=np.int64)
        self._starts = np.cumsum([0, *map(len, groups)])
        shape = (self._batch, spec.height_px, spec.width_px, 3)
        count = min(_BUFFERS, len(self))
        self._buffers = [(allocate or _plain)(shape) for _ in range(count)]
        self._threads = [
            threading.Thread(target=self._work, name=f"{THREAD_NAME}-{i}", daemon=True)
            for i in range(min(threads or spare_cores(), len(groups)))
        ]
        self._changed = threading.Condition()
        self._next_picture, self._released, self._stopped = 0, 0, False
        self._filled = np.zeros(len(self), dtype=np.int64)
        self._faults: dict[int, Exception] = {}
        self._opencv_threads = cv2.getNumThreads()

    def __len__(self) -> int:
        """Number of batches."""
        return -(-len(self._order) // self._batch)

    def __enter__(self) -> "CropStream":
        # Crops are small: OpenCV's own threads only fight these (1.7 times slower on two cores).
        self._opencv_threads = cv2.getNumThreads()
        cv2.setNumThreads(1)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stop()
        cv2.setNumThreads(self._opencv_threads)

    def __iter__(self) -> Iterator[tuple[NDArray[np.int64], NDArray[np.uint8]]]:
        """Starts the threads, so once only. Raises the fault of the first picture that could not be read or cropped."""
        for thread in self._threads:  # not in __enter__: Ctrl-C there would not reach __exit__
            thread.start()
        for number in range(len(self)):
            rows = self._order[number * self._batch : (number + 1) * self._batch]
            self._wait_for(number, len(rows))
            yield rows, self._buffers[number % len(self._buffers)][: len(rows)]

    def _wait_for(self, number: int, size: int) -> None:
        with self._changed:
            self._released = max(self._released, number - IN_FLIGHT + 1)
            self._changed.notify_all()
            self._changed.wait_for(lambda: bool(self._faults) or self._filled[number] == size)
        if self._faults:
            self._stop()  # threads with earlier pictures may still report theirs
            raise self._faults[min(self._faults)]

    def _stop(self) -> None:
        self._stopped = True
        with self._changed:
            self._changed.notify_all()
        for thread in self._threads:
            if thread.is_alive():
                thread.join()

    def _work(self) -> None:
        try:
            while (picture := self._take()) is not None:
                self._cut(picture)
        except _Stopped:
            pass

    def _take(self) -> int | None:
        """The next picture that nobody works on."""
        with self._changed:
            picture = self._next_picture
            self._next_picture += 1
            return picture if picture < len(self._pictures) and not self._stopped else None

    def _cut(self, picture: int) -> None:
        row, persons = self._pictures[picture]
        try:
            image = read_picture(str(self._paths[row]))
            for position, person in enumerate(persons, self._starts[picture]):
                number, slot = divmod(position, self._batch)
                self._wait_for_room(number)
                crop = extract_crop(image, self.matrices[person], self._spec)
                self._buffers[number % len(self._buffers)][slot] = crop
                self._count(number)
        except _Stopped:
            raise
        except Exception as fault:  # raised where batches are read
            with self._changed:
                self._faults[picture] = fault
                self._changed.notify_all()

    def _wait_for_room(self, number: int) -> None:
        with self._changed:
            self._changed.wait_for(lambda: self._stopped or number < self._released + len(self._buffers))
            if self._stopped:
                raise _Stopped

    def _count(self, number: int) -> None:
        with self._changed:
            self._filled[number] += 1
            if self._filled[number] == min(self._batch, len(self._order) - number * self._batch):
                self._changed.notify_all()


def spare_cores() -> int:
    """How many threads cut crops: all cores but one, which feeds the network."""
    return min(MOST_THREADS, max(1, available_cores() - 1))


def _plain(shape: tuple[int, ...]) -> NDArray[np.uint8]:
    return np.zeros(shape, dtype=np.uint8)
