"""Files that are whole or absent: atomic writes, folders swapped in when finished, checksums.

A process killed at any moment leaves at most a ``*.partial`` file or folder, which the next run clears.
"""

import fcntl
import hashlib
import json
import os
import resource
import shutil
import zlib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path, PurePath
from typing import Any
from zipfile import BadZipFile

from dataengine.errors import MAKE_ROOM, DataEngineError, EnvironmentFault, InputError, write_fault

LARGEST_JSON_BYTES = 2 * 1024**3
JSON_MEMORY_FACTOR, JSON_MEMORY_LEAST = 12, 256 * 1024**2  # a COCO file takes 4 times its size; "[],[],[]," 24
_CANNOT_WRITE = "cannot write "
JUNK = frozenset({"__MACOSX", "Thumbs.db", "ehthumbs.db", "desktop.ini", "@eaDir"})
DAMAGED_ZIP = (OSError, BadZipFile, zlib.error, NotImplementedError, RuntimeError, EOFError, ValueError)
"""What reading a zip raises (an archive, or numpy's .npz), depending on which byte is wrong."""


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


def write_json(path: Path, value: Any) -> None:
    """Write `value` as indented JSON, atomically. NaN is refused: it is not JSON."""
    with atomic_path(path) as partial:
        partial.write_text(json.dumps(value, indent=1, allow_nan=False) + "\n", encoding="utf-8")


class RepeatedKeys(dict[str, Any]):
    """A JSON object in which a key appears more than once, so that nobody can know which value was meant."""


def read_json(path: Path, *, largest_bytes: int = LARGEST_JSON_BYTES) -> Any:
    """Read a JSON file; a missing, broken, oversized or memory-hungry one is an `InputError` naming the file.

    NaN and numbers beyond float64 (inf) are passed on, an integer of more than 18 digits becomes a float: whoever reads
    the record judges them, so that one bad record does not lose the others. An object that repeats a key becomes a
    `RepeatedKeys`.
    """
    try:
        if path.exists() and not path.is_file():
            raise InputError(f"{path} cannot be read", expected="a JSON file", got="something else")  # a pipe waits
        with path.open("rb") as opened:
            content = opened.read(largest_bytes + 1)
        if len(content) > largest_bytes:
            raise InputError(f"{path} is too large", expected=f"at most {largest_bytes / 1024**2:.0f} MB of JSON")
        with bounded_memory(JSON_MEMORY_FACTOR * len(content) + JSON_MEMORY_LEAST):
            return json.loads(content.decode("utf-8"), parse_int=_parse_int, object_pairs_hook=_parse_object)
    except FileNotFoundError as error:
        raise InputError(f"{path} does not exist", fix="run the stage that makes it, or correct the path") from error
    except MemoryError as error:
        got = f"one that needs more than {JSON_MEMORY_FACTOR} times its size in memory"
        raise InputError(f"{path} cannot be read", expected="a JSON file of records", got=got) from error
    except (OSError, ValueError, RecursionError) as error:
        raise InputError(f"{path} cannot be read", expected="a JSON file", got=str(error)[:200]) from error


@contextmanager
def bounded_memory(more_bytes: int) -> Iterator[None]:
    """Let the process grow by at most `more_bytes` inside the block; an allocation beyond raises a `MemoryError`.

    Linux only; elsewhere, and under a tighter limit set by the user, nothing changes.
    """
    try:
        pages = int(Path("/proc/self/statm").read_text().split()[0])
    except OSError:
        yield
        return
    soft, hard = resource.getrlimit(resource.RLIMIT_AS)
    limit_bytes = pages * resource.getpagesize() + more_bytes
    if resource.RLIM_INFINITY not in (soft, hard) and limit_bytes >= min(soft, hard):
        yield
        return
    try:
        new_soft = limit_bytes if soft == resource.RLIM_INFINITY else min(soft, limit_bytes)
        resource.setrlimit(resource.RLIMIT_AS, (new_soft, hard))
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_AS, (soft, hard))


def flat_items(value: Any, prefix: str = "") -> Iterator[tuple[str, Any]]:
    """(dotted key, leaf) of every leaf of nested mappings.

    >>> dict(flat_items({"pool": {"fps": 2, "every": 5}, "seed": 0}))
    {'pool.fps': 2, 'pool.every': 5, 'seed': 0}
    """
    if isinstance(value, Mapping):
        for key, item in value.items():
            yield from flat_items(item, f"{prefix}.{key}" if prefix else str(key))
    else:
        yield prefix, value


def _parse_int(digits: str) -> int | float:
    return int(digits) if len(digits) <= 19 else float(digits)  # 19 with the sign; Python refuses 5,000 digits


def _parse_object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    record = dict(pairs)
    return record if len(record) == len(pairs) else RepeatedKeys(record)


def is_junk(path: PurePath) -> bool:
    """Whether a file found below a folder, at `path` in there, is none that its owner put there.

    Hidden files, and what archives, file managers and network drives leave behind.

    >>> [is_junk(PurePath(name)) for name in ("._a.jpg", "__MACOSX/a.jpg", "x/Thumbs.db", "a.jpg")]
    [True, True, True, False]
    """
    return any(part.startswith(".") or part in JUNK for part in path.parts)


def json_files(folder: Path) -> list[Path]:
    """The JSON files in `folder` by name, without the drafts (`atomic_path`) that a killed process may have left."""
    return sorted(path for path in folder.glob("*.json") if not path.name.startswith("."))


def short_sha256(sha256: str) -> str:
    """The first 12 digits of a hex hash: the name of a model, a set or a file of labels, and what messages show.

    >>> short_sha256(hashlib.sha256(b"people").hexdigest())
    'c9022680f888'
    """
    return sha256[:12]


def sha256_file(path: Path) -> str:
    """Hex SHA-256 of the file's bytes."""
    with path.open("rb") as opened:
        return hashlib.file_digest(opened, "sha256").hexdigest()
