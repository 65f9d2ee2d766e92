"""Worker processes that make images one by one, survive a crash of Blender, and stop cleanly.

Each worker has its own pipe. A worker that raises or dies has its image tried once more (by a new process if it died);
the second failure puts the image on the skip list with the reason. A worker whose parent is gone reads the end of its
pipe and leaves. Workers run in their own session, so Ctrl-C in a terminal reaches the parent alone: Blender swallows
it inside a render. The parent then gives out no more work, waits for the images under way, and stops.
"""

import contextlib
import multiprocessing
import os
import signal
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from multiprocessing.connection import Connection, wait
from types import FrameType
from typing import Any, Protocol

ATTEMPTS = 2
START_SECONDS = 300  # a worker that has not answered after this long is taken for hung


class Maker(Protocol):
    """What a worker builds once and then asks for every image."""

    def make(self, index: int) -> None:
        """Make one image or raise."""


@dataclass
class Outcome:
    """What became of the images asked for."""

    skipped: dict[int, str] = field(default_factory=dict)
    stopped_by: int | None = None
    """The signal that ended the work early, if one did."""


@dataclass
class _Worker:
    process: Any
    pipe: Connection
    index: int | None = None


class Workforce:
    """Runs ``build(*arguments).make(index)`` for many indices in `workers` processes."""

    def __init__(self, build: Callable[..., Maker], arguments: tuple[Any, ...], workers: int) -> None:
        self._build, self._arguments, self._count = build, arguments, workers
        self._signal: int | None = None

    def run(self, indices: Sequence[int], outcome: Outcome) -> Iterator[int]:
        """Make all images, yielding each index when it is made or skipped; fills `outcome`."""
        waiting = list(reversed(indices))
        attempts = dict.fromkeys(indices, 0)
        with self._listening_to_signals():
            crew = [self._hire() for _ in range(min(self._count, len(waiting)))]
            try:
                while True:
                    self._give_out(crew, waiting)
                    busy = [worker for worker in crew if worker.index is not None]
                    if not busy:
                        break
                    for worker, failure in self._collect(busy, crew):
                        index, worker.index = worker.index, None
                        assert index is not None
                        attempts[index] += 1
                        if failure and attempts[index] < ATTEMPTS:
                            waiting.append(index)
                            continue
                        if failure:
                            outcome.skipped[index] = failure
                        yield index
            finally:
                for worker in crew:
                    _dismiss(worker)
                outcome.stopped_by = self._signal

    def _give_out(self, crew: list[_Worker], waiting: list[int]) -> None:
        for place, worker in enumerate(crew):
            if self._signal or not waiting or worker.index is not None:
                continue
            if not worker.process.is_alive():
                worker = crew[place] = self._hire()
            worker.index = waiting.pop()
            with contextlib.suppress(OSError):  # a worker that died just now is noticed when its answer is awaited
                worker.pipe.send(worker.index)

    def _collect(self, busy: list[_Worker], crew: list[_Worker]) -> Iterator[tuple[_Worker, str]]:
        """Workers that have finished, with the reason where they failed ("" for none)."""
        ready = wait([worker.pipe for worker in busy], timeout=START_SECONDS)
        for worker in busy:
            if worker.pipe in ready:
                try:
                    yield worker, worker.pipe.recv()
                except (EOFError, OSError):
                    worker.process.join(5)
                    yield worker, f"the worker process died with exit code {worker.process.exitcode}"
            elif not ready:
                worker.process.kill()
                worker.process.join(5)
                yield worker, f"no answer within {START_SECONDS} s"

    def _hire(self) -> _Worker:
        context = multiprocessing.get_context("spawn")
        ours, theirs = context.Pipe()
        process = context.Process(target=_work, args=(theirs, self._build, self._arguments), daemon=True)
        process.start()
        theirs.close()  # so that the end of the pipe is read when the worker dies
        return _Worker(process, ours)

    @contextlib.contextmanager
    def _listening_to_signals(self) -> Iterator[None]:
        """Note SIGINT and SIGTERM instead of dying; a second one has its usual effect."""

        def note(number: int, _frame: FrameType | None) -> None:
            self._signal = number
            signal.signal(number, previous[signal.Signals(number)])

        previous = {number: signal.signal(number, note) for number in (signal.SIGINT, signal.SIGTERM)}
        try:
            yield
        finally:
            for number, handler in previous.items():
                signal.signal(number, handler)


def _dismiss(worker: _Worker) -> None:
    worker.pipe.close()
    if worker.index is not None:
        worker.process.kill()
    worker.process.join(10)
    if worker.process.is_alive():
        worker.process.kill()


def _work(pipe: Connection, build: Callable[..., Maker], arguments: tuple[Any, ...]) -> None:
    """A worker's life: build the maker, then answer every index with "" or the reason of the failure."""
    os.setsid()
    os.environ |= {"OMP_NUM_THREADS": "1", "MKL_NUM_THREADS": "1"}
    maker: Maker | None = None
    with contextlib.suppress(EOFError, OSError):  # the parent is done with us, or gone
        while True:
            index = pipe.recv()
            try:
                maker = maker or build(*arguments)
                maker.make(index)
                reason = ""
            except Exception as error:  # one bad image must not end the run; the reason reaches the skip list
                reason = f"{type(error).__name__}: {error}"
            pipe.send(reason)
    os._exit(0)  # Blender's own exit prints about memory that it did not free
