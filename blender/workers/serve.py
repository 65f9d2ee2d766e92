"""A worker's life: build the maker for the first index, then answer every index. Runs in Blender's Python."""

import contextlib
import ctypes
import os
import signal
import sys
from multiprocessing.connection import Connection
from pathlib import Path

from dataengine.errors import MAKE_ROOM, EnvironmentFault, write_fault

from .job import Maker, build
from .messages import Message, fault_message, receive, send

_PR_SET_PDEATHSIG = 1  # of Linux's prctl


def main(arguments: list[str]) -> None:
    """Serve until the parent closes the pipe.

    `arguments`: the pipe's file descriptor, the parent's process id, the file of the job, folders of further modules.
    """
    descriptor, parent, job, *search = arguments
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    _end_with_parent(int(parent))
    sys.path += search
    with contextlib.suppress(EOFError, OSError):  # the parent is done with us, or gone
        _serve(Connection(int(descriptor)), Path(job))
    os._exit(0)  # Blender's own exit prints about memory that it did not free


def _serve(pipe: Connection, job: Path) -> None:
    maker: Maker | None = None
    while True:
        index = receive(pipe)["index"]
        try:
            if maker is None:
                maker = build(job.read_text(encoding="utf-8"))
                send(pipe, {"kind": "started"})
            answer: Message = {"kind": "made", "value": maker.make(index)}
        except Exception as error:  # one bad image must not end the run; the reason reaches the skip list
            answer = _failure(error)
        send(pipe, answer)


def _failure(error: Exception) -> Message:
    if isinstance(error, EnvironmentFault):
        return fault_message(error)
    if got := write_fault(error):
        return fault_message(EnvironmentFault("a worker cannot write", got=got, fix=MAKE_ROOM))
    return {"kind": "failed", "reason": f"{type(error).__name__}: {error}"}


def _end_with_parent(parent: int) -> None:
    """Let the kernel end this process when its parent is gone: a process that hangs never reads the end of its pipe."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
        if parent != os.getppid():  # it went before the call
            os._exit(1)
