"""Seconds that a trial has taken over all calls: one that was killed has spent what it had spent until then."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Event, Thread

from dataengine.errors import InputError
from dataengine.files import read_json, write_json

WRITTEN_EVERY_S = 5.0


@contextmanager
def spent_time(path: Path, every_s: float = WRITTEN_EVERY_S) -> Iterator[Callable[[], float]]:
    """For a ``with`` block: a function with the seconds so far, those of earlier calls with the same `path` among them.

    After the block it gives what had been spent at its end.

    The file is written every `every_s` seconds and at the end, so a killed call loses that much at most.

    Raises:
        InputError: the file of an earlier call is damaged.
    """
    before = _seconds_in(path) if path.is_file() else 0.0
    began, over, ended = time.monotonic(), Event(), list[float]()

    def so_far() -> float:
        return before + (ended[0] if ended else time.monotonic()) - began

    def write() -> None:
        write_json(path, {"seconds": round(so_far(), 2)})

    def keep_written() -> None:
        while not over.wait(every_s):
            write()

    writer = Thread(target=keep_written, name="spent-time", daemon=True)
    writer.start()
    try:
        yield so_far
    finally:
        ended.append(time.monotonic())
        over.set()
        writer.join()
        write()


def _seconds_in(path: Path) -> float:
    record = read_json(path)
    if not isinstance(record, dict) or not isinstance(record.get("seconds"), int | float):
        raise InputError(f"{path} is malformed", expected="seconds", got=str(record)[:60], fix="remove it")
    return float(record["seconds"])
