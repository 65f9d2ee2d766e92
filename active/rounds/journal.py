"""How far a round has come: which steps are done, by what they were given and what they made.

The file lies where DVC keeps its own temporary files, which git ignores, and is replaced as a whole after each step. A
step counts as done while it is given the same and what it made is still there, so that a round that was stopped goes on
with the first step that was not finished, and one whose results were changed makes them again.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

from dataengine.errors import InputError
from dataengine.files import read_json, write_json
from dataengine.typed_record import RECORDS

JOURNAL_FILE = "round.json"


@dataclass(frozen=True)
class DoneStep:
    """A finished step."""

    given: str
    """Hash of what it was given."""
    made: str
    """Hash of what it made."""
    at: str
    """UTC, ISO 8601."""
    seconds: float


@dataclass(frozen=True, kw_only=True)
class RoundJournal:
    """A round that has begun and not ended."""

    started: str
    """UTC, ISO 8601."""
    commit: str
    """The commit that it began at."""
    inputs: str
    """Hash of its inputs, see `RoundInputs.digest`."""
    uncommitted: tuple[str, ...] = ()
    """Inputs that git did not hold, with `--allow-dirty`."""
    steps: Mapping[str, DoneStep] = field(default_factory=dict)

    def has_done(self, name: str, given: str, made: str) -> bool:
        """Whether the step is done: given the same, and its results are as it left them."""
        step = self.steps.get(name)
        return step is not None and (step.given, step.made) == (given, made)

    def with_step(self, name: str, step: DoneStep) -> RoundJournal:
        """With another finished step."""
        return replace(self, steps={**self.steps, name: step})


def read_journal(folder: Path) -> RoundJournal | None:
    """The journal of an unfinished round; None where there is none.

    Raises:
        InputError: the file is damaged.
    """
    path = folder / JOURNAL_FILE
    if not path.exists():
        return None
    try:
        record: Any = read_json(path)
        return RECORDS.record(RoundJournal, record, "round")
    except InputError as error:
        raise InputError(f"{path}: {error}", fix="begin again with --restart") from error


def write_journal(folder: Path, journal: RoundJournal) -> None:
    """Replace the file."""
    write_json(folder / JOURNAL_FILE, asdict(journal))


def remove_journal(folder: Path) -> None:
    """The round has ended."""
    (folder / JOURNAL_FILE).unlink(missing_ok=True)
