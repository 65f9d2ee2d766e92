"""Functions for workers of a parallel map, which import them by name."""

import os
import signal
import time
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from dataengine.errors import InputError


def note(path: Path, line: str) -> None:
    """Append a line to a file that several processes write to: short appends are not torn."""
    with path.open("a", encoding="utf-8") as opened:
        opened.write(line + "\n")


def draws(seed: int) -> NDArray[np.float64]:
    """Numbers whose last bits would tell another order of sums."""
    rng = np.random.default_rng(seed)
    product = rng.normal(size=(120, 120)) @ rng.normal(size=(120, 120))
    product[0, 0] = np.nan
    return product


def square(number: int, notes: Path) -> int:
    """Notes that it ran."""
    note(notes, f"done {number}")
    return number * number


def threads(_: int) -> tuple[str | None, str | None]:
    """The number of threads that libraries are given."""
    return os.environ.get("OMP_NUM_THREADS"), os.environ.get("OPENBLAS_NUM_THREADS")


def die_once(path: Path) -> str:
    """Kills its process at the first try."""
    if not path.exists():
        path.touch()
        os.kill(os.getpid(), signal.SIGKILL)
    return path.name


def die(_: int) -> None:
    """Kills its process."""
    os.kill(os.getpid(), signal.SIGKILL)


def fail(number: int) -> int:
    """Raises for 3: a fault of ours."""
    if number == 3:
        raise ZeroDivisionError("nothing to share")
    return number


class Unportable(Exception):
    """An error that cannot be unpickled."""

    def __init__(self, one: int, two: int) -> None:
        super().__init__(f"{one} and {two}")


def fail_unportably(_: int) -> None:
    """Raises an error that cannot travel."""
    raise Unportable(1, 2)


def refuse(path: Path) -> None:
    """Raises a user's fault that does not name the file."""
    raise InputError("no pictures", fix="add some")


def wait_for(path: Path) -> str:
    """Notes that it began, waits for the file ``go`` next to `path`, notes its end."""
    note(path.with_name("notes"), f"begun {path.name} {os.getpid()} {os.getppid()}")
    while not path.with_name("go").exists():
        time.sleep(0.02)
    note(path.with_name("notes"), f"ended {path.name}")
    return path.name
