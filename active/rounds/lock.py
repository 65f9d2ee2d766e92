"""One round at a time in a project.

The lock is the kernel's (`flock`), so it goes with the process that holds it, however that ends. The file says who
holds it, for the line that the next one gets. A holder that died may have left processes at work: they carry the
round's mark in their environment and are ended before another round begins, so that no stage is run twice at once.
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import secrets
import signal
import socket
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path

from dataengine.errors import EnvironmentFault, InputError
from dataengine.terminal.speech import say
from dataengine.typed_record import RECORDS

LOCK_FILE = "round.lock"
MARK = "DATAENGINE_ROUND"
"""Environment variable of every process that a round starts; its value is the round's token."""
_PATIENCE_S = 20.0  # for processes that were asked to end; after half of it they are killed


@dataclass(frozen=True)
class LockHolder:
    """Who holds, or held, the lock."""

    pid: int
    host: str
    since: str
    """UTC, ISO 8601."""
    token: str
    """Value of `MARK` in the environment of all that it starts."""


@contextlib.contextmanager
def only_round(folder: Path) -> Iterator[LockHolder]:
    """Hold the project's lock, whose file lies in `folder`.

    Raises:
        InputError: another process holds it.
    """
    folder.mkdir(parents=True, exist_ok=True)
    handle = os.open(folder / LOCK_FILE, os.O_RDWR | os.O_CREAT, 0o644)
    try:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise _taken(_read(handle)) from error
        former = _read(handle)
        if former is not None:
            say(f"round: process {former.pid}, which began a round at {former.since}, is gone; its lock is taken over")
            end_marked(former.token)
        now = datetime.now(UTC).isoformat(timespec="seconds")
        holder = LockHolder(os.getpid(), socket.gethostname(), now, secrets.token_hex(8))
        _write(handle, json.dumps(asdict(holder)))
        try:
            yield holder
        finally:
            end_marked(holder.token)  # after an error or a signal a stage may still be at work
            _write(handle, "")
    finally:
        os.close(handle)


def end_marked(token: str) -> None:
    """End the processes that carry the mark of a round whose holder is gone, and wait until they have ended.

    Raises:
        EnvironmentFault: one cannot be ended.
    """
    began, told = time.monotonic(), False
    while pids := _marked(token):
        waited = time.monotonic() - began
        if waited > _PATIENCE_S:
            got = ", ".join(map(str, pids))
            raise EnvironmentFault("processes of an earlier round do not end", got=got, fix="end them, and run again")
        if not told:
            say(f"round: ending what it left at work: processes {', '.join(map(str, pids))}")
            told = True
        for pid in pids:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.kill(pid, signal.SIGTERM if waited < _PATIENCE_S / 2 else signal.SIGKILL)
        time.sleep(0.1)


def _taken(holder: LockHolder | None) -> InputError:
    who = f"process {holder.pid} on {holder.host}, since {holder.since}" if holder else "another process"
    return InputError("a round is running here already", got=who, fix="wait for it; if it is stopped, this resumes it")


def _marked(token: str) -> list[int]:
    """The other processes of this user with the mark; Linux says, elsewhere there are none to see."""
    mark = f"{MARK}={token}".encode()
    found = []
    for path in Path("/proc").glob("[0-9]*/environ"):
        with contextlib.suppress(OSError):
            if mark in path.read_bytes().split(b"\0") and int(path.parent.name) != os.getpid():
                found.append(int(path.parent.name))
    return sorted(found)


def _read(handle: int) -> LockHolder | None:
    """Who the file names; None for an empty or half-written one."""
    try:
        return RECORDS.record(LockHolder, json.loads(os.pread(handle, 4096, 0)), "lock")
    except (ValueError, InputError):
        return None


def _write(handle: int, text: str) -> None:
    os.ftruncate(handle, 0)
    os.pwrite(handle, text.encode(), 0)
    os.fsync(handle)
