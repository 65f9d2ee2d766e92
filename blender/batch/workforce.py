"""Worker processes that make images one by one: supervised, replaced when they hang, die or grow old, stopped cleanly.

Each worker has its own pipe. An image whose worker raises, dies or exceeds the time limit is tried once more (by a new
process, unless the worker only raised); the second failure puts it on the skip list with the reason. A fault of the
machine (a full disk, a folder without permission, a missing library) is not an image's fault: the other workers finish
the images they are making, and the fault is raised. After `images_per_worker` images a worker is replaced, as a guard
against memory that Blender may leak.

Workers are processes of Blender's Python (blender/workers/process.py) in a session of their own, so Ctrl-C in a
terminal reaches the parent alone: Blender would swallow it during a render. The parent then gives out no more work,
waits for the images being made, and stops.
"""

import contextlib
import signal
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from multiprocessing.connection import wait
from pathlib import Path
from types import FrameType

from dataengine.errors import EnvironmentFault
from dataengine.terminal.progress import track

from ..workers.job import Job
from ..workers.messages import fault_of
from ..workers.process import WorkerProcess

ATTEMPTS = 2
START_SECONDS = 300  # a worker that is not ready by then counts as hung


@dataclass(frozen=True)
class Terms:
    """The limits that workers run under."""

    workers: int
    image_timeout_s: float
    """Time limit of one image, not counting the start of its process."""
    images_per_worker: int
    """Number of images after which a worker is replaced."""


@dataclass
class Outcome:
    """How the work on the images ended."""

    skipped: dict[int, str] = field(default_factory=dict)
    """Index of each image that could not be made -> the reason."""
    stopped_by: int | None = None
    """The signal that ended the work early, if one did."""


@dataclass
class _Worker:
    process: WorkerProcess
    index: int | None = None
    deadline: float = 0.0
    started: bool = False
    made: int = 0

    def dismiss(self) -> None:
        """Let an idle worker end, kill a busy one; returns when the process is gone."""
        if self.index is not None:
            self.process.kill()
        self.process.dismiss()


class Workforce:
    """Runs the maker of `job` on many indices, in `terms.workers` processes of `python`.

    `search` lists further folders that the maker may be imported from, besides this project.
    """

    def __init__(self, python: Path, job: Job, terms: Terms, *, search: tuple[Path, ...] = ()) -> None:
        self._python, self._job, self._terms, self._search = python, job, terms, search
        self._job_file = Path()
        self._signal: int | None = None
        self._fault: EnvironmentFault | None = None
        self._failed_starts = 0

    def run(self, indices: Sequence[int], outcome: Outcome) -> Iterator[int]:
        """Make all images, yielding each index once it is made or skipped; fills `outcome`.

        Raises the machine's fault if a worker met one, and `EnvironmentFault` if workers cannot start.
        """
        waiting = list(reversed(indices))
        attempts = dict.fromkeys(indices, 0)
        crew: list[_Worker] = []
        with self._listening_to_signals(), tempfile.TemporaryDirectory() as folder:
            self._job_file = Path(folder) / "job.json"
            self._job_file.write_text(self._job.to_json(), encoding="utf-8")
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
                        if failure and not worker.started:  # not the image's fault
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
                    worker.dismiss()
                outcome.stopped_by = self._signal
        if self._fault is not None:
            raise self._fault

    def run_all(self, count: int, description: str, unit: str) -> Outcome:
        """`run` from 0 to below `count`, with a bar. Exits with 128 + signal number if a signal stopped the work."""
        outcome = Outcome()
        for _ in track(self.run(range(count), outcome), description, total=count, unit=unit):
            pass
        if outcome.stopped_by is not None:
            raise SystemExit(128 + outcome.stopped_by)
        return outcome

    def _give_out(self, crew: list[_Worker], waiting: list[int]) -> None:
        for place, worker in enumerate(crew):
            if self._signal or self._fault or not waiting or worker.index is not None:
                continue
            if worker.made >= self._terms.images_per_worker or not worker.process.is_alive():
                worker.dismiss()
                worker = crew[place] = self._hire()
            worker.index = waiting.pop()
            worker.deadline = time.monotonic() + (self._terms.image_timeout_s if worker.started else START_SECONDS)
            with contextlib.suppress(OSError):  # a worker that has just died is noticed when its answer is awaited
                worker.process.send({"index": worker.index})

    def _collect(self, busy: list[_Worker]) -> Iterator[tuple[_Worker, str]]:
        """Wait for an answer or a deadline, then yield finished workers with the reason of failure ("" for success).

        Answers are read before deadlines are checked, so work that was finished while the parent slept counts.
        """
        nearest = min(worker.deadline for worker in busy)
        ready = wait([worker.process.pipe for worker in busy], timeout=max(nearest - time.monotonic(), 0))
        for worker in busy:
            if worker.process.pipe in ready:
                failure = self._read_answer(worker)
                if failure is not None:
                    yield worker, failure
            elif time.monotonic() > worker.deadline:
                limit = self._terms.image_timeout_s if worker.started else START_SECONDS
                worker.process.kill()
                yield worker, f"took longer than {limit:g} s"

    def _read_answer(self, worker: _Worker) -> str | None:
        """Why the worker's image failed: "" if it was made, None if the worker is still at it."""
        try:
            answer = worker.process.receive()
        except (EOFError, OSError):
            return f"the worker process died with exit code {worker.process.exit_code()}"
        if answer["kind"] == "started":
            worker.started, self._failed_starts = True, 0
            worker.deadline = time.monotonic() + self._terms.image_timeout_s
            return None
        if answer["kind"] == "fault":
            fault = fault_of(answer)
            self._fault = self._fault or fault
            return str(fault)
        worker.made += 1
        return answer["reason"] if answer["kind"] == "failed" else ""

    def _note_failed_start(self, reason: str) -> None:
        if self._signal is not None:
            return
        self._failed_starts += 1
        if self._failed_starts >= ATTEMPTS and self._fault is None:
            self._fault = EnvironmentFault("render workers do not start", got=reason, fix="see what they print above")

    def _hire(self) -> _Worker:
        return _Worker(WorkerProcess(self._python, self._job_file, search=self._search))

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
