"""The record of a choice: which pictures were to be labelled, why, by which rule, and which model asked.

``<folder>/<hash>.json``, one file for each selection, kept in git. A file is named by the selection that it is about
and never changed afterwards, so that the same selection has one record however often it is made, two branches merge
without a conflict, and a file that somebody edited is refused by its digest.

What was answered is not in it: the label store knows that, and says of every import which selection it answers.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from dataengine.errors import InputError
from dataengine.files import json_files, locked_folder, read_json, short_sha256, write_json
from dataengine.registry.ledger import digest_of
from dataengine.typed_record import RECORDS

ROUND_FORMAT = "dataengine.round/1"


@dataclass(frozen=True, kw_only=True)
class AskedRound:
    """One selection, as it was entered."""

    number: int
    """One more than the highest that the folder held."""
    at: str
    """When it was entered, ISO 8601 in UTC."""
    selection_sha256: str
    """Digest of the selection: what imported labels name as their origin."""
    choice: Mapping[str, Any]
    """The manifest's header: the rule, the budget, the seed, the weights, the hash of the student that asked."""
    picks: Mapping[str, Mapping[str, Any]]
    """sha256 of a picture -> rank, reason, scores, cost."""

    @property
    def budget(self) -> str:
        """What could be spent, with its unit."""
        budget = self.choice.get("budget", "unknown")
        number = f"{budget:g}" if isinstance(budget, int | float) else str(budget)
        return f"{number} {self.choice.get('budget_unit', '')}".strip()

    @property
    def order(self) -> tuple[int, str, str]:
        """Later rounds have higher ones. Numbers repeat where two branches asked; then time decides."""
        return self.number, self.at, self.selection_sha256


def read_rounds(folder: Path) -> list[AskedRound]:
    """All records in `folder`, the earliest first; none where the folder does not exist.

    Raises:
        InputError: a JSON file in it is not a record, or was changed.
    """
    return sorted((read_record(path) for path in json_files(folder)), key=lambda asked: asked.order)


def enter_round(
    folder: Path, *, selection_sha256: str, choice: Mapping[str, Any], picks: Mapping[str, Mapping[str, Any]]
) -> AskedRound:
    """The record of a selection, written unless it is there. One process at a time.

    Raises:
        InputError: a record in the folder is damaged; then nothing is written.
    """
    with locked_folder(folder):
        known = read_rounds(folder)
        for asked in known:
            if asked.selection_sha256 == selection_sha256:
                return asked
        number = 1 + max((asked.number for asked in known), default=0)
        at = datetime.now(UTC).isoformat(timespec="seconds")
        content = {"number": number, "at": at, "selection_sha256": selection_sha256, "choice": choice, "picks": picks}
        path = folder / _name(selection_sha256)
        write_json(path, {"format": ROUND_FORMAT, **content, "digest": digest_of(content)})
        return read_record(path)


def _name(selection_sha256: str) -> str:
    return f"{short_sha256(selection_sha256)}.json"


def read_record(path: Path) -> AskedRound:
    """One record; a file that is none, or that somebody changed, is an `InputError`."""
    document = read_json(path)
    stated = document.get("format") if isinstance(document, dict) else type(document).__name__
    if stated != ROUND_FORMAT:
        fix = "keep other files elsewhere"
        raise InputError(
            f"{path} is not a record of select", expected=f"format {ROUND_FORMAT}", got=str(stated), fix=fix
        )
    content = {key: value for key, value in document.items() if key not in ("format", "digest")}
    changed = document.get("digest") != digest_of(content) or path.name != _name(str(content.get("selection_sha256")))
    if changed:
        raise InputError(f"{path} was changed after it was written", fix="bring it back from git")
    return RECORDS.record(AskedRound, content, str(path))
