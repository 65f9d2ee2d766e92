"""Worker processes that make images one by one: supervised, replaced when they hang, die or grow old, stopped cleanly.

Each worker has its own pipe. An image whose worker raises, dies or takes longer than allowed is tried once more (by a
new process unless it only raised); the second failure puts it on the skip list with the reason. A fault of the machine
(a full disk, a folder without permission, a missing library) is nobody's image: the others finish theirs and the fault
is raised. After so many images a worker is replaced, as a guard against what may grow in Blender.

Workers run in their own session, so Ctrl-C in a terminal reaches the parent alone: Blender swallows it inside a render.
The parent then gives out no more work, waits for the images under way, and stops. When the parent is killed, the
kernel ends the workers (Linux), or they read the end of their pipe.
"""

import contextlib
import ctypes
import multiprocessing
import os
import signal
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from multiprocessing import resource_tracker
from multiprocessing.connection import Connection, wait
from types import FrameType
from typing import Any, Literal, Protocol

from dataengine.errors import DataEngineError, EnvironmentFault
from dataengine.files import WRITE_FAULTS

ATTEMPTS = 2
START_SECONDS = 300  # a worker that is not ready after this long is taken for hung
_PR_SET_PDEATHSIG = 1  # of Linux's prctl
Answer = tuple[Literal["started", "made", "failed"], str] | tuple[Literal["fault"], DataEngineError]


class Maker(Protocol):
    """What a worker builds once and then asks for every image."""

    def make(self, index: int) -> None:
        """Make one image or raise; `EnvironmentFault` and a full disk end the whole run."""


@dataclass(frozen=True)
class Terms:
    """What the workers are held to."""

    workers: int
    image_timeout_s: float
    """An image may take so long, the start of its process not counted."""
    images_per_worker: int
    """After so many a worker is replaced."""


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
    deadline: float = 0.0
    started: bool = False
    made: int = 0


class Workforce:
    """Runs ``build(*arguments).make(index)`` for many indices in `terms.workers` processes."""

    def __init__(self, build: Callable[..., Maker], arguments: tuple[Any, ...], terms: Terms) -> None:
        self._build, self._arguments, self._terms = build, arguments, terms
        self._signal: int | None = None
        self._fault: DataEngineError | None = None
        self._failed_starts = 0

    def run(self, indices: Sequence[int], outcome: Outcome) -> Iterator[int]:
        """Make all images, yielding each index when it is made or skipped; fills `outcome`.

        Raises the fault of the machine that a worker met, and `EnvironmentFault` when workers cannot start.
        """
        waiting = list(reversed(indices))
        attempts = dict.fromkeys(indices, 0)
        crew: list[_Worker] = []
        with self._listening_to_signals():
            try:
                crew += [self._hire() for _ in range(min(self._terms.workers, len(waiting)))]
                while True:
                    self._give_out(crew, waiting)
                    busy = [worker for worker in crew if worker.index is not None]
                    if not busy:
                        break
                    for worker, failure in self._collect(busy):
                        index, worker.index = worker.index, None
                        assert index is not None
                        if failure and not worker.started:  # not the image's doing
                            waiting.append(index)
                            self._note_failed_start(failure)
                            continue
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
        if self._fault is not None:
            raise self._fault

    def _give_out(self, crew: list[_Worker], waiting: list[int]) -> None:
        for place, worker in enumerate(crew):
            if self._signal or self._fault or not waiting or worker.index is not None:
                continue
            if worker.made >= self._terms.images_per_worker or not worker.process.is_alive():
                _dismiss(worker)
                worker = crew[place] = self._hire()
            worker.index = waiting.pop()
            worker.deadline = time.monotonic() + (self._terms.image_timeout_s if worker.started else START_SECONDS)
            with contextlib.suppress(OSError):  # a worker that died just now is noticed when its answer is awaited
                worker.pipe.send(worker.index)

    def _collect(self, busy: list[_Worker]) -> Iterator[tuple[_Worker, str]]:
        """Wait for something to happen; then the workers that are through, with the reason of a failure ("" for none).

        Answers are read before deadlines are looked at, so what was finished while the parent slept counts.
        """
        nearest = min(worker.deadline for worker in busy)
        ready = wait([worker.pipe for worker in busy], timeout=max(nearest - time.monotonic(), 0))
        for worker in busy:
            if worker.pipe in ready:
                failure = self._read_answer(worker)
                if failure is not None:
                    yield worker, failure
            elif time.monotonic() > worker.deadline:
                limit = self._terms.image_timeout_s if worker.started else START_SECONDS
                _kill(worker)
                yield worker, f"took longer than {limit:g} s"

    def _read_answer(self, worker: _Worker) -> str | None:
        """Why the worker's image failed, "" when it is made, None when there is more to wait for."""
        try:
            answer: Answer = worker.pipe.recv()
        except (EOFError, OSError):
            worker.process.join(5)
            return f"the worker process died with exit code {worker.process.exitcode}"
        if answer[0] == "started":
            worker.started, self._failed_starts = True, 0
            worker.deadline = time.monotonic() + self._terms.image_timeout_s
            return None
        if answer[0] == "fault":
            self._fault = self._fault or answer[1]
            return str(answer[1])
        worker.made += 1
        return answer[1]

    def _note_failed_start(self, reason: str) -> None:
        if self._signal is not None:
            return
        self._failed_starts += 1
        if self._failed_starts >= ATTEMPTS and self._fault is None:
            self._fault = EnvironmentFault("render workers do not start", got=reason, mend="see what they print above")

    def _hire(self) -> _Worker:
        context = multiprocessing.get_context("spawn")
        ours, theirs = context.Pipe()
        process = context.Process(target=_work, args=(theirs, self._build, self._arguments), daemon=True)
        with _one_thread_environment(), _without_interrupts():
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


@contextlib.contextmanager
def _without_interrupts() -> Iterator[None]:
    """Processes started inside do not hear Ctrl-C before they have a session of their own."""
    resource_tracker.ensure_running()  # starting it unblocks the signal again
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


@contextlib.contextmanager
def _one_thread_environment() -> Iterator[None]:
    """Processes started inside keep numpy and torch to one thread, which both settle when they are loaded."""
    names = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS")
    kept = {name: os.environ.get(name) for name in names}
    os.environ.update(dict.fromkeys(names, "1"))
    try:
        yield
    finally:
        for name, value in kept.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value


def _dismiss(worker: _Worker) -> None:
    """Let an idle worker go, end a busy one; it is gone afterwards."""
    worker.pipe.close()
    if worker.index is None:
        worker.process.join(10)
    _kill(worker)


def _kill(worker: _Worker) -> None:
    if worker.process.is_alive():
        worker.process.kill()
    worker.process.join(10)


def _work(pipe: Connection, build: Callable[..., Maker], arguments: tuple[Any, ...]) -> None:
    """A worker's life: build the maker for the first index, then answer every index."""
    os.setsid()
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # what came before the session, and was held back, is the parent's
    signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGINT})
    _end_with_parent()
    maker: Maker | None = None
    with contextlib.suppress(EOFError, OSError):  # the parent is done with us, or gone
        while True:
            index = pipe.recv()
            try:
                if maker is None:
                    maker = build(*arguments)
                    pipe.send(("started", ""))
                maker.make(index)
                answer: Answer = ("made", "")
            except Exception as error:  # one bad image must not end the run; the reason reaches the skip list
                answer = _failure(error)
            pipe.send(answer)
    os._exit(0)  # Blender's own exit prints about memory that it did not free


def _failure(error: Exception) -> Answer:
    if isinstance(error, EnvironmentFault):
        return "fault", error
    if isinstance(error, OSError) and error.errno in WRITE_FAULTS:
        mend = "make room or give permission, and run again"
        return "fault", EnvironmentFault("a worker cannot write", got=str(error), mend=mend)
    return "failed", f"{type(error).__name__}: {error}"


def _end_with_parent() -> None:
    """Have the kernel end this process when its parent is gone: one that hangs never reads the end of its pipe."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
        parent = multiprocessing.parent_process()
        if parent is not None and parent.pid != os.getppid():  # it went before the call
            os._exit(1)
