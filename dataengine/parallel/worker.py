"""What a worker does, in a spawned process as in a task of Ray: unpack the work once, answer items one by one.

Work, items and answers travel as pickles of our own making, so that both kinds of workers hand over equal values: Ray
alone would return arrays that cannot be written to. The work is unpacked after the number of threads is set, which
libraries read while they are loaded.
"""

import os
import pickle
import signal
import sys
import traceback
from collections.abc import Callable
from dataclasses import dataclass, field
from multiprocessing.connection import Connection
from typing import Any

_OF_THREADS = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS", "NUMBA_NUM_THREADS")


@dataclass(frozen=True)
class ItemAnswer:
    """What came of an item: a value, or the error that was raised."""

    value: Any = None
    error: Exception | None = None
    trace: str = ""
    """The worker's traceback."""
    notes: tuple[str, ...] = ()
    """What the worker has to say about the machine that it runs on."""


@dataclass
class _Unpacked:
    """The work that this process did last, ready for its next item."""

    of: tuple[bytes, str] = (b"", "")
    fn: Callable[[Any], Any] | None = None
    notes: tuple[str, ...] = field(default=())


_last = _Unpacked()


def use_threads(threads: int) -> None:
    """Have libraries compute with this number of threads, those that are loaded already as well."""
    os.environ.update(dict.fromkeys(_OF_THREADS, str(threads)))
    if (torch := sys.modules.get("torch")) is not None:
        torch.set_num_threads(threads)


def answer(
    work: bytes, item: bytes, threads: int, before: Callable[[], tuple[str, ...]] | None = None, call: str = ""
) -> bytes:
    """The pickled `ItemAnswer` of an item under the pickled function `work`.

    `before` is called once for each work, and what it returns comes as notes. `call` keeps apart calls of the map with
    the same work, where a process may serve several. An exception of any kind is part of the answer; only what ends the
    process is not answered.
    """
    try:
        if _last.fn is None or _last.of != (work, call):
            _last.fn = None  # frees what the work before held, networks for example
            use_threads(threads)
            notes = before() if before is not None else ()
            fn = pickle.loads(work)  # noqa: S301  of our own parent
            use_threads(threads)  # of what was loaded only now
            _last.of, _last.fn, _last.notes = (work, call), fn, notes
        return pickle.dumps(ItemAnswer(_last.fn(pickle.loads(item)), notes=_last.notes))  # noqa: S301
    except Exception as error:
        return pickle.dumps(ItemAnswer(error=_portable(error), trace=traceback.format_exc()))


def serve(pipe: Connection, work: bytes, threads: int) -> None:
    """ItemAnswer what comes through the pipe until it is closed; for a process that is spawned."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the parent's, which ends this process
    while True:
        try:
            item = pipe.recv_bytes()
            pipe.send_bytes(answer(work, item, threads))
        except (EOFError, OSError):  # the parent is done with us, or gone
            return


def _portable(error: Exception) -> Exception:
    """The error, or one that says the same where its class does not survive the way back."""
    try:
        pickle.loads(pickle.dumps(error))  # noqa: S301
    except Exception:
        return RuntimeError(f"{type(error).__name__}: {error}")
    return error
