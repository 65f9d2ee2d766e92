"""Rounds that ended: one record each, kept in git, and when the next one is due.

``<rounds>/whole/<id>.json`` next to what `select` asked for. A record is named by its content, so that branches merge
without conflict and `--every` holds in a fresh clone, too.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from dataengine.errors import InputError, ParamsError
from dataengine.files import json_files, read_json, short_sha256, write_json
from dataengine.registry.ledger import digest_of
from dataengine.typed_record import RECORDS

FOLDER = "whole"
_UNITS = {"h": timedelta(hours=1), "d": timedelta(days=1), "w": timedelta(weeks=1)}
_EVERY = re.compile(r"(\d+)([hdw])")


@dataclass(frozen=True, kw_only=True)
class WholeRound:
    """A round that went to its end."""

    number: int
    """That of the verdict."""
    started: str
    """UTC, ISO 8601, both."""
    ended: str
    commit: str
    """The commit that it began at."""
    inputs: str
    """Hash of its inputs."""
    uncommitted: tuple[str, ...]
    """Inputs that no commit holds: such a round cannot be repeated."""
    facts: Mapping[str, Any]
    """What the page says: see `facts.py`."""

    @property
    def id(self) -> str:
        """Short hash of all of it."""
        return short_sha256(digest_of(asdict(self)))


def write_whole_round(rounds: Path, ended: WholeRound) -> Path:
    """Write the record, atomically; the same round has the same file."""
    path = rounds / FOLDER / f"{ended.id}.json"
    write_json(path, asdict(ended))
    return path


def read_whole_rounds(rounds: Path) -> list[WholeRound]:
    """All records, the earliest first.

    Raises:
        InputError: one is damaged, or not named by its content.
    """
    found = [read_whole_round(path) for path in json_files(rounds / FOLDER)]
    return sorted(found, key=lambda each: (each.ended, each.id))


def read_whole_round(path: Path) -> WholeRound:
    """One record. Raises as `read_whole_rounds`."""
    record = RECORDS.record(WholeRound, read_json(path), str(path))
    if path.stem != record.id:
        raise InputError(f"{path} was changed after it was written", fix="bring it back from git")
    return record


def parse_every(text: str) -> timedelta:
    """A span of time such as 12h, 7d or 2w.

    >>> parse_every("7d")
    datetime.timedelta(days=7)
    """
    found = _EVERY.fullmatch(text.strip())
    if found is None or not int(found[1]):
        raise ParamsError("--every", expected="a number and h, d or w, such as 7d", got=text)
    return int(found[1]) * _UNITS[found[2]]


def due_at(rounds: list[WholeRound], every: timedelta) -> datetime | None:
    """When the next round is due, counted from the beginning of the last; None before the first."""
    return datetime.fromisoformat(max(each.started for each in rounds)) + every if rounds else None
