"""Turns at FiftyOne's database, which one process at a time may start and build a dataset in."""

import fcntl
import os
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from dataengine.errors import EnvironmentFault

PATIENCE_S = 300.0
_BETWEEN_TRIES_S = 0.2


@contextmanager
def one_at_a_time(patience_s: float = PATIENCE_S) -> Iterator[None]:
    """Wait for this user's other processes to leave the block; the system frees the turn of one that dies.

    Raises:
        EnvironmentFault: another process has not left it after `patience_s`.
    """
    path = Path(tempfile.gettempdir()) / f"dataengine-fiftyone-{os.getuid()}.lock"
    deadline = time.monotonic() + patience_s
    with path.open("a") as lock:
        while not _taken(lock.fileno()):
            if time.monotonic() > deadline:
                raise EnvironmentFault(
                    "another process is building its FiftyOne dataset",
                    got=f"no turn in {patience_s:g} s",
                    fix="try again when it has ended",
                )
            time.sleep(_BETWEEN_TRIES_S)
        yield


def _taken(file: int) -> bool:
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
