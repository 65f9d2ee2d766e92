"""Patches kept on disk between runs, shared by any number of processes. It is a cache: losing it costs time only.

A patch's name is the hash of what it was cut from (`patch_key`), so nothing in the store is ever out of date. Files are
written under a temporary name and renamed; two processes that make the same patch write the same bytes. Each file
carries a checksum: a damaged one is removed and made again. Past its size limit the store drops what has been unused
for longest.
"""

import contextlib
import fcntl
import hashlib
import os
import struct
import threading
import zlib
from pathlib import Path

import numpy as np

from dataengine.crops.training.patch import Patch, Region
from dataengine.errors import WRITE_FAULTS, EnvironmentFault
from dataengine.terminal.speech import say

_MAGIC = b"depatch2"
_HEADER = struct.Struct("<8sIiiidqq")  # magic, checksum, height, width, channels, factor, x0, y0
_SUFFIX, _PARTIAL, _LOCK = ".patch", ".partial", ".lock"
_SWEEP_SHARE = 1 / 16  # share of the limit that a process may write between two sweeps
_FULL_AFTER_SWEEP = 0.9


def patch_key(content: bytes, decode_factor: int, region: Region, mask: bytes = b"") -> str:
    """Name of the patch cut from a file of these bytes, decoded `decode_factor` times smaller; `mask` in COCO's RLE."""
    digest = hashlib.sha256(_MAGIC)
    digest.update(hashlib.sha256(content).digest())
    digest.update(repr((decode_factor, region)).encode())
    digest.update(mask)
    return digest.hexdigest()


class PatchStore:
    """A folder of patches of at most about `limit_bytes`.

    Each process checks the limit when it has written a sixteenth of it, so p processes may pass it by p / 16.
    """

    def __init__(self, folder: Path, limit_bytes: int) -> None:
        self._folder, self._limit_bytes = folder, limit_bytes
        self._unswept_bytes = limit_bytes  # look once at what earlier runs left
        self._lock = threading.Lock()
        self._writable = True
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise EnvironmentFault(
                f"cannot make the crop cache {folder}", got=str(error), fix="name another folder, or none"
            ) from error

    def get(self, key: str) -> Patch | None:
        """The patch, or None: never stored, dropped, or damaged."""
        path = self._path(key)
        try:
            content = path.read_bytes()
        except OSError:
            return None
        patch = _unpacked(content)
        if patch is None:
            with contextlib.suppress(OSError):  # of a read-only disk
                path.unlink(missing_ok=True)
            return None
        with contextlib.suppress(OSError):  # another process may have dropped it meanwhile
            os.utime(path)  # used just now
        return patch

    def put(self, key: str, patch: Patch) -> None:
        """Store the patch. A full or read-only disk ends storing with one line; the run goes on."""
        if not self._writable:
            return
        content = _packed(patch)
        path = self._path(key)
        partial = path.with_name(f".{key}.{os.getpid()}.{threading.get_ident()}{_PARTIAL}")
        try:
            path.parent.mkdir(exist_ok=True)
            partial.write_bytes(content)
            partial.replace(path)
        except OSError as error:
            with contextlib.suppress(OSError):  # of a disk that has become read-only
                partial.unlink(missing_ok=True)
            if isinstance(error, FileNotFoundError):
                return  # another process swept the half-written file away: the patch is simply not stored
            if error.errno not in WRITE_FAULTS:
                raise
            self._writable = False
            say(f"crop cache {self._folder}: nothing more is stored: {error}")
            return
        self._note_written(len(content))

    def _note_written(self, count: int) -> None:
        with self._lock:
            self._unswept_bytes += count
            due = self._unswept_bytes >= self._limit_bytes * _SWEEP_SHARE
            if due:
                self._unswept_bytes = 0
        if due:
            self._sweep()

    def _sweep(self) -> None:
        """Drop what has been unused for longest until the store is well below its limit. One process at a time sweeps.

        The others wait: a process that went on writing during a slow sweep would leave more than the limit behind.
        """
        with (self._folder / _LOCK).open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            stored_files = sorted(_stats(self._folder))
            total = sum(size for _, size, _ in stored_files)
            if total <= self._limit_bytes:
                return
            for _, size, path in stored_files:
                if total <= self._limit_bytes * _FULL_AFTER_SWEEP:
                    break
                Path(path).unlink(missing_ok=True)
                total -= size

    def _path(self, key: str) -> Path:
        return self._folder / key[:2] / f"{key}{_SUFFIX}"


def _stats(folder: Path) -> list[tuple[float, int, str]]:
    """(last use, bytes, path) of every file, including those that a killed process left half written."""
    found = []
    for shelf in os.scandir(folder):
        for entry in os.scandir(shelf.path) if shelf.is_dir() else ():
            try:
                status = entry.stat()
            except FileNotFoundError:
                continue
            found.append((status.st_mtime, status.st_size, entry.path))
    return found


def _packed(patch: Patch) -> bytes:
    pixels = np.ascontiguousarray(patch.pixels)
    place = (*pixels.shape, patch.factor, patch.x0, patch.y0)
    checksum = zlib.crc32(pixels.data, zlib.crc32(repr(place).encode()))
    return _HEADER.pack(_MAGIC, checksum, *place) + pixels.tobytes()


def _unpacked(content: bytes) -> Patch | None:
    if len(content) < _HEADER.size:
        return None
    magic, checksum, *place = _HEADER.unpack_from(content)
    height, width, channels, factor, x0, y0 = place
    pixels = memoryview(content)[_HEADER.size :]
    if magic != _MAGIC or min(height, width) < 1 or channels not in (3, 4) or len(pixels) != height * width * channels:
        return None
    if zlib.crc32(pixels, zlib.crc32(repr(tuple(place)).encode())) != checksum:
        return None
    return Patch(np.frombuffer(pixels, dtype=np.uint8).reshape(height, width, channels), factor, x0, y0)
