"""Files and folders that are whole or absent: drafts that are renamed once they are finished, and locks on folders.

A process killed at any moment leaves at most a ``*.partial`` file or folder, which the next run clears.
"""

import fcntl
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from dataengine.errors import MAKE_ROOM, DataEngineError, EnvironmentFault, write_fault

_CANNOT_WRITE = "cannot write "


@contextmanager
def atomic_path(path: Path) -> Iterator[Path]:
    """Yield a temporary sibling of `path` that replaces it when the block ends without an error."""
    partial = path.with_name(
        f".{path.stem}.{os.getpid()}.partial{path.suffix}"
    )  # writers take the format from the suffix
    try:
        with write_faults_named(path):
            path.parent.mkdir(parents=True, exist_ok=True)
            yield partial
            with partial.open("rb") as written:
                os.fsync(written.fileno())
            partial.replace(path)
    finally:
        with suppress(OSError):  # on a disk that is read-only, even of a file that is not there
            partial.unlink(missing_ok=True)


@contextmanager
def fresh_folder(path: Path) -> Iterator[Path]:
    """Yield an empty folder that replaces `path` (and all it held) when the block ends without an error.

    Where `path` is a link, what it leads to is replaced.

    Raises:
        EnvironmentFault: another process is writing it, the disk is full or forbids it, or it is a mount point.
    """
    if path.is_symlink():
        path = path.resolve()
    if path.is_mount():
        got, fix = "a mount point, which cannot be", "name a folder inside it"
        raise EnvironmentFault(f"{_CANNOT_WRITE}{path}", expected="a folder that is replaced whole", got=got, fix=fix)
    partial = path.with_name(f".{path.name}.partial")
    with write_faults_named(path):
        held = _take_draft(partial, path)
    try:
        with write_faults_named(path, partial):
            _end_swap(path)
            yield partial
            _swap(partial, path)
    except BaseException:
        shutil.rmtree(partial, ignore_errors=True)
        raise
    finally:
        os.close(held)


@contextmanager
def scratch_folder(path: Path) -> Iterator[Path]:
    """Yield the empty folder `path`, which goes when the block ends; what a killed process left there goes first.

    Raises:
        EnvironmentFault: another process uses it, or the disk is full or forbids it.
    """
    with write_faults_named(path):
        held = _take_draft(path, path)
    try:
        yield path
    finally:
        shutil.rmtree(path, ignore_errors=True)
        os.close(held)


def _take_draft(partial: Path, path: Path) -> int:
    """Make the draft folder again and lock it, as the kernel does until the descriptor that is returned is closed.

    A draft that nobody holds is of a process that was killed, and goes.
    """
    for is_new in (False, True):
        if is_new:
            partial.mkdir(parents=True)
        elif not partial.is_dir():
            continue
        held = os.open(partial, os.O_RDONLY)
        try:
            fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            os.close(held)
            fix = "wait until it has ended, or name another folder"
            raise EnvironmentFault(f"another process is writing {path}", fix=fix) from error
        except OSError:  # a file system without locks
            pass
        if is_new:
            break
        shutil.rmtree(partial, ignore_errors=True)
        os.close(held)
    return held


def _swap(partial: Path, path: Path) -> None:
    """Give the draft its name. What was there goes only afterwards: clearing a large folder takes long."""
    former = _former(path)
    if path.exists():
        path.replace(former)
    try:
        partial.replace(path)
    except BaseException:
        _end_swap(path)
        raise
    shutil.rmtree(former, ignore_errors=True)


def _end_swap(path: Path) -> None:
    """End a swap that was stopped: the former folder comes back where no new one has taken its place, else it goes."""
    former = _former(path)
    if former.is_dir() and not path.exists():
        former.replace(path)
    shutil.rmtree(former, ignore_errors=True)


def _former(path: Path) -> Path:
    return path.with_name(f".{path.name}.former.partial")


@contextmanager
def locked_folder(path: Path) -> Iterator[None]:
    """Lock the folder `path`, made where it is missing, against every other process that asks; waits for its turn.

    The lock is on the folder itself, so that no lock file lies about; the kernel frees it when a process dies.
    On a file system without locks, nobody waits.
    """
    path.mkdir(parents=True, exist_ok=True)
    folder = os.open(path, os.O_RDONLY)
    try:
        with suppress(OSError):  # a file system without locks
            fcntl.flock(folder, fcntl.LOCK_EX)
        yield
    finally:
        os.close(folder)


@contextmanager
def write_faults_named(path: Path, draft: Path | None = None) -> Iterator[None]:
    """Turn a full disk or a missing permission inside the block into one line that names `path`; other faults pass.

    `atomic_path` and `fresh_folder` do it; this is for what grows in place, such as a log. A line that names a file in
    `draft`, which is gone when it is read, names the one in `path` instead.
    """
    try:
        yield
    except DataEngineError as error:
        if draft is None or not error.what.startswith(f"{_CANNOT_WRITE}{draft}{os.sep}"):
            raise
        what = error.what.replace(str(draft), str(path), 1)
        raise EnvironmentFault(what, got=error.got, fix=error.fix) from error
    except Exception as error:
        if not (got := write_fault(error)):
            raise
        raise EnvironmentFault(f"{_CANNOT_WRITE}{path}", got=got, fix=MAKE_ROOM) from error
