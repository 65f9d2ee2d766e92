"""Located people to chunks with the teachers' opinions; frames are looked at as they come, and none is held.

Networks read the crops of a chunk while the frames of the next are decoded and looked at.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor

import cv2
import numpy as np
from numpy.typing import NDArray

from dataengine.hardware.threads import available_cores
from dataengine.infer.side_by_side import SideBySide, side_by_side

from .chunks import Chunk
from .locating import Located, Resume
from .teachers import FilmTeacher

FRAMES = 64  # in a chunk, and people after which one ends early
PEOPLE = 256


def estimated(located: Iterable[Located], teachers: Sequence[FilmTeacher]) -> Iterator[tuple[Chunk, Resume | None]]:
    """Chunks of frames with the teachers' opinions, each with the state that begins the next; None after the last.

    A chunk ends before a frame in which people were detected.
    """
    opencv_threads = cv2.getNumThreads()
    cv2.setNumThreads(1)  # crops are small: OpenCV's own threads only fight those of the network
    try:
        with side_by_side(available_cores()) as threads, ThreadPoolExecutor(1, "film-chunk") as background:
            yield from _read(_closed(located, teachers), threads, background)
    finally:
        cv2.setNumThreads(opencv_threads)


Closed = Callable[[SideBySide], Chunk]


def _closed(located: Iterable[Located], teachers: Sequence[FilmTeacher]) -> Iterator[tuple[Closed, Resume | None]]:
    open_chunk = _OpenChunk(teachers)
    for one in located:
        if one.resume is not None and open_chunk.is_full:
            yield open_chunk.closed(), one.resume
            open_chunk = _OpenChunk(teachers)
        open_chunk.add(one)
    yield open_chunk.closed(), None


def _read(
    closed: Iterable[tuple[Closed, Resume | None]], threads: SideBySide, background: ThreadPoolExecutor
) -> Iterator[tuple[Chunk, Resume | None]]:
    """The chunks in their order, each of which is read while the frames of the next come.

    A fault in the frames, Ctrl-C too, comes out after the chunk that was whole before it.
    """
    waiting: tuple[Future[Chunk], Resume | None] | None = None
    remaining, fault = iter(closed), None
    while fault is None:
        begun = None
        try:
            read, resume = next(remaining)
            begun = background.submit(read, threads), resume
        except BaseException as error:
            fault = error
        if waiting is not None:
            yield waiting[0].result(), waiting[1]
        waiting = begun
    if not isinstance(fault, StopIteration):
        raise fault


class _OpenChunk:
    def __init__(self, teachers: Sequence[FilmTeacher]) -> None:
        self._teachers = teachers
        self._frames: list[tuple[int, float, int, int]] = []
        self._at: list[int] = []
        self._boxes: list[NDArray[np.float64]] = []
        self._tracks: list[NDArray[np.int64]] = []

    @property
    def is_full(self) -> bool:
        return len(self._frames) >= FRAMES or len(self._at) >= PEOPLE

    def add(self, one: Located) -> None:
        image = one.frame.image_bgr
        self._at += [len(self._frames)] * len(one.track_id)
        self._frames.append((one.frame.index, one.frame.pts_s, image.shape[1], image.shape[0]))
        self._boxes.append(one.boxes_xywh_px)
        self._tracks.append(one.track_id)
        for teacher in self._teachers:
            teacher.look(image, one.boxes_xywh_px)

    def closed(self) -> Closed:
        """What makes the chunk: it may be called in another thread."""
        table = np.array(self._frames, dtype=np.float64).reshape(-1, 4)
        at, boxes = np.array(self._at, dtype=np.int64), np.concatenate([*self._boxes, np.empty((0, 4))])
        tracks = np.concatenate([*self._tracks, np.empty(0, dtype=np.int64)])
        asked = [teacher.ask() for teacher in self._teachers]

        def read(threads: SideBySide) -> Chunk:
            return Chunk(
                table[:, 0].astype(np.int64),
                table[:, 1],
                table[:, 2:].astype(np.int64),
                at,
                boxes,
                tracks,
                tuple(ask(threads) for ask in asked),
            )

        return read
