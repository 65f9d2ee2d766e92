"""A single answer from another Python: start it, let it call one function, end it."""

import contextlib
import tempfile
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import IO, Any

from dataengine.errors import EnvironmentFault

from .job import Job, named
from .messages import fault_of
from .process import WorkerProcess


class NoAnswer(EnvironmentFault):
    """The process died, does not work, or gave no answer in time."""

    timed_out = False
    """Whether the time limit was the reason."""


_QUESTION = f"{__name__}:Question"


class Question:
    """The worker's side: a maker that calls a function given by name."""

    def __init__(self, function: str, arguments: dict[str, Any]) -> None:
        self._call, self._arguments = named(function), arguments

    def make(self, index: int) -> Any:
        """Call the function and return its answer."""
        return self._call(**self._arguments)


def ask(
    python: Path,
    function: str,
    arguments: Mapping[str, Any],
    limit_s: float,
    *,
    meanwhile: Callable[[float], None] | None = None,
) -> Any:
    """What the function ``module:name`` returns for `arguments` in `python`; arguments and answer must fit JSON.

    `meanwhile` is called about once a second with the seconds that have passed. Raises the `EnvironmentFault` that the
    function raised, and `NoAnswer` if none arrives within `limit_s` seconds.
    """
    with tempfile.TemporaryDirectory() as folder, (Path(folder) / "words").open("w+b") as words:
        job = Path(folder) / "job.json"
        job.write_text(Job(_QUESTION, {"function": function, "arguments": dict(arguments)}).to_json(), encoding="utf-8")
        worker = _start(python, job, words)
        try:
            with contextlib.suppress(OSError):  # if it has died, that is noticed when the answer is awaited
                worker.send({"index": 0})
            return _answer(worker, python, limit_s, words, meanwhile)
        finally:
            worker.kill()
            worker.pipe.close()


def _start(python: Path, job: Path, words: IO[bytes]) -> WorkerProcess:
    try:
        return WorkerProcess(python, job, words=words)
    except OSError as error:
        raise NoAnswer(f"{python} does not run", got=str(error)) from error


def _answer(
    worker: WorkerProcess,
    python: Path,
    limit_s: float,
    words: IO[bytes],
    meanwhile: Callable[[float], None] | None,
) -> Any:
    began = time.monotonic()
    while (passed := time.monotonic() - began) < limit_s:
        if not worker.pipe.poll(min(1.0, limit_s - passed)):
            if meanwhile:
                meanwhile(time.monotonic() - began)
            continue
        try:
            message = worker.receive()
        except (EOFError, OSError):
            got = f"exit code {worker.exit_code()}, {_last_line(words)}"
            raise NoAnswer(f"{python} gave no answer", got=got) from None
        if message["kind"] == "made":
            return message["value"]
        if message["kind"] == "fault":
            raise fault_of(message)
        if message["kind"] == "failed":
            raise NoAnswer(f"{python} gave no answer", got=message["reason"])
    late = NoAnswer(f"{python} gave no answer", got=f"nothing within {limit_s:g} s")
    late.timed_out = True
    raise late


def _last_line(words: IO[bytes]) -> str:
    words.seek(0)
    lines = [line.strip() for line in words.read().decode("utf-8", "replace").splitlines() if line.strip()]
    return lines[-1][:300] if lines else "no output"
