"""Finished results in an append-only file, known by the content that they were computed from.

A line is ``{"key": ..., "value": ...}``, written and synced once an item is finished, so a run that is stopped at any
moment finds all of them again; half a line at the end is cut off. Values are JSON and no pickle, since reading a file
must run no code. JSON keeps float64 exactly.
"""

import fcntl
import hashlib
import json
import os
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from dataengine.errors import InputError


class KeptResults:
    """The results in the file `path`, which is made where it is missing; to be used in a ``with`` block.

    Raises:
        InputError: another process writes to the file, or it is not a journal.
    """

    def __init__(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self._path = path
        self._file = path.open("a+b")
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            self._known = self._read()
        except BlockingIOError as error:
            self._file.close()
            raise InputError(f"{path} is in use", fix="wait for the other run, or name another file") from error
        except BaseException:
            self._file.close()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._file.close()

    def __contains__(self, key: str) -> bool:
        return key in self._known

    def __getitem__(self, key: str) -> Any:
        return self._known[key]

    def add(self, key: str, value: Any) -> Any:
        """Keep a result, and return it as it will be read: with lists for tuples.

        Raises:
            TypeError: `value` is not JSON.
        """
        line = json.dumps({"key": key, "value": value})
        kept = json.loads(line)["value"]
        if key not in self._known:
            self._file.write(line.encode() + b"\n")
            self._file.flush()
            os.fsync(self._file.fileno())
            self._known[key] = kept
        return kept

    def _read(self) -> dict[str, Any]:
        self._file.seek(0)
        known, whole = dict[str, Any](), 0
        for line in self._file:
            if not line.endswith(b"\n"):
                break
            try:
                record = json.loads(line)
                known[record["key"]] = record["value"]
            except (ValueError, KeyError, TypeError) as error:
                fix = "name another file, or delete this one to begin again"
                raise InputError(
                    f"{self._path} is not a journal", got=line[:60].decode(errors="replace"), fix=fix
                ) from error
            whole += len(line)
        self._file.truncate(whole)
        return known


def content_key(fn: Any, facts: Any) -> str:
    """Hex SHA-256 of a function's name and of all that decides its result, any JSON value."""
    text = json.dumps([fn.__module__, fn.__qualname__, facts], sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()
