"""What becomes of a fit of several processes when one of them is lost: the others end at once, with one line.

A collective operation fails where a rank has gone, and torchrun sends SIGTERM to those that are left. The state of the
last whole epoch is on the disk by then, so the same command goes on from it, also where torchrun itself starts all
ranks again (``--max-restarts``).

While a rank waits for another one in C++, Python's signal handlers do not run. So a thread waits for the signal, by the
pipe that Python writes its number to at once, and ends the process without unwinding, which could wait for the lost
rank.
"""

import contextlib
import gc
import os
import signal
import socket
import threading
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import torch.distributed as distributed

from dataengine.errors import DataEngineError, EnvironmentFault
from dataengine.terminal.speech import say

_WORDS = ("gloo", "nccl", "connection closed", "connection reset", "store")  # of what collectives raise
_END = b"\0"  # for the thread: no signal has this number


@contextmanager
def ends_with_its_ranks() -> Iterator[None]:
    """End with one line where another rank is lost; for the function that fits, as a decorator.

    Raises:
        EnvironmentFault: a collective operation failed.
    """
    if int(os.environ.get("WORLD_SIZE", "1")) == 1:
        yield
        return
    with _ended_by_sigterm() as ending:
        try:
            yield
        except RuntimeError as error:  # torch has no narrower class for what gloo raises
            if not any(word in str(error).lower() for word in _WORDS):
                raise
            ending.has_begun = True
            _let_go_of_the_group(error)
            raise _fault(" ".join(str(error).split())[:120]) from None
        except DataEngineError as error:  # a fit that has collapsed, a loss that is not finite
            ending.has_begun = True
            _let_go_of_the_group(error)
            raise


@dataclass
class _Ending:
    """Whether the process ends by itself; SIGTERM, which torchrun sends then, must not keep it from saying why."""

    has_begun: bool = False


def _fault(got: str) -> EnvironmentFault:
    rank, world = os.environ.get("RANK", "0"), os.environ["WORLD_SIZE"]
    return EnvironmentFault(
        f"rank {rank} of {world} ends: another rank is lost, or the fit was stopped",
        got=got,
        fix="start the same torchrun again: it goes on from the last whole epoch",
    )


@contextmanager
def _ended_by_sigterm() -> Iterator[_Ending]:
    """Let a thread end the process when SIGTERM arrives."""
    ending = _Ending()
    if threading.current_thread() is not threading.main_thread():
        yield ending
        return
    ours, theirs = socket.socketpair()
    theirs.setblocking(False)
    thread = threading.Thread(target=_watch, args=(ours, ending), name="sigterm", daemon=True)
    thread.start()
    before = signal.set_wakeup_fd(theirs.fileno())
    previous = signal.signal(signal.SIGTERM, lambda *_: None)  # without a handler of Python's nothing is written
    try:
        yield ending
    finally:
        signal.signal(signal.SIGTERM, signal.SIG_IGN if ending.has_begun else previous)
        signal.set_wakeup_fd(before)
        theirs.send(_END)
        thread.join()
        ours.close()
        theirs.close()


def _watch(pipe: socket.socket, ending: _Ending) -> None:
    while (number := pipe.recv(1)) not in (b"", _END):
        if number[0] == signal.SIGTERM and not ending.has_begun:
            say(f"dataengine: error: {_fault('SIGTERM')}")
            os._exit(128 + signal.SIGTERM)


def _let_go_of_the_group(error: BaseException) -> None:
    """Free what the frames of the error hold, DistributedDataParallel too, and leave the group: see `Ranks.leave`."""
    traceback.clear_frames(error.__traceback__)
    gc.collect()
    with contextlib.suppress(Exception):
        distributed.destroy_process_group()
