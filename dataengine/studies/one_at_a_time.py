"""One process at a time works on the folder of a study: two would fit the same, and write one page over the other's."""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from dataengine.errors import EnvironmentFault


@contextmanager
def one_at_a_time(report: Path) -> Iterator[None]:
    """For a ``with`` block: the folder `report`, made where it is missing, is this process's alone.

    The kernel frees it when the process dies. On a file system without locks nothing is held.

    Raises:
        EnvironmentFault: another process works on it.
    """
    report.mkdir(parents=True, exist_ok=True)
    folder = os.open(report, os.O_RDONLY)
    try:
        try:
            fcntl.flock(folder, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            fix = "wait until it has ended, or name another folder by --report"
            raise EnvironmentFault(f"another process works on {report}", fix=fix) from error
        except OSError:  # a file system without locks
            pass
        yield
    finally:
        os.close(folder)
