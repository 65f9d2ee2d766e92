"""The registry of models: one JSON file kept in git, the artefacts of promoted models in a store folder.

`read_registry` reads; a change is read, made and written with `write_registry` inside `locked`.
`Registry.promoted` and `Registry.noted` are the only two changes: a new champion, and a line of history.

The file is a side effect of `promote`, never an input or output of the DAG: what a round is compared with is the entry
that `params.yaml` names. A process killed at any moment leaves the old file or the new one, never half of either.
"""

import fcntl
import os
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any, Literal, get_args

from dataengine.errors import InputError
from dataengine.files import read_json, write_json

State = Literal["champion", "archived"]
Outcome = Literal["promoted", "held", "refused", "not enough evidence"]
FORMAT = 1


@dataclass(frozen=True)
class RegistryParams:
    """Section `registry` of params.yaml: where the registry lies."""

    file: str
    """The registry file, kept in git."""
    store: str
    """Folder with the artefacts of promoted models, one folder an entry."""


@dataclass(frozen=True)
class Entry:
    """A model that is or was champion; its artefacts lie in ``<store>/<id>/``."""

    id: str
    """Hash of the exported networks, see `exported.model_id`."""
    state: State
    promoted_at: str
    """UTC, ISO 8601."""
    ap: float
    """OKS AP on the frozen test set when it was promoted."""
    ap_low: float
    ap_high: float
    test_sha256: str
    """Of the test set's file: two AP figures compare only where this is the same."""
    files: dict[str, str]
    """sha256 of every artefact by name."""
    lineage: dict[str, Any]


@dataclass(frozen=True)
class Event:
    """What became of one comparison."""

    at: str
    """UTC, ISO 8601."""
    id: str
    """The candidate."""
    outcome: Outcome
    against: str
    """The pinned champion, "" for none."""
    ap: float
    reason: str
    comparison_sha256: str
    """Of the verdict's file: a rerun on the same verdict adds no second line."""
    test_sha256: str = ""
    """Of the test set; "" in events from before it was noted."""


@dataclass(frozen=True)
class Registry:
    """All entries in the order of their promotion, and everything that happened."""

    entries: tuple[Entry, ...] = ()
    events: tuple[Event, ...] = field(default=())

    def __post_init__(self) -> None:
        ids = [entry.id for entry in self.entries]
        if len(set(ids)) != len(ids):
            raise InputError("the registry lists a model twice", got=next(i for i in ids if ids.count(i) > 1))
        champions = [entry.id for entry in self.entries if entry.state == "champion"]
        if len(champions) > 1:
            raise InputError("the registry has more than one champion", expected="one", got=", ".join(champions))

    @property
    def champion(self) -> Entry | None:
        """The present champion, None before the first promotion."""
        return next((entry for entry in self.entries if entry.state == "champion"), None)

    def entry(self, entry_id: str) -> Entry:
        """The entry with this id; an unknown one is an `InputError`."""
        for entry in self.entries:
            if entry.id == entry_id:
                return entry
        known = ", ".join(entry.id for entry in self.entries) or "none"
        raise InputError(
            f"the registry has no model {entry_id!r}",
            expected=f"one of: {known}",
            mend="pin one of these as compare.champion, or run `dataengine begin-round`",
        )

    def promoted(self, entry: Entry) -> "Registry":
        """`entry` becomes champion, the earlier champion is archived; a re-promoted model moves to the end."""
        others = tuple(replace(e, state="archived") for e in self.entries if e.id != entry.id)
        return replace(self, entries=(*others, replace(entry, state="champion")))

    def uses(self, *, but: tuple[str, str] | None = None) -> dict[str, int]:
        """Comparisons that each test set has served, by its hash.

        The same two models on the same set are one comparison however often it is run, and a model against itself is
        none. `but` leaves out one comparison: candidate and champion.
        """
        pairs = {(e.test_sha256, e.id, e.against) for e in self.events if e.test_sha256 and e.id != e.against}
        return dict(Counter(test for test, *models in sorted(pairs) if tuple(models) != but))

    def noted(self, event: Event) -> "Registry":
        """`event` is added unless the same comparison already ended that way."""
        key = (event.comparison_sha256, event.id, event.outcome)
        if any((e.comparison_sha256, e.id, e.outcome) == key for e in self.events):
            return self
        return replace(self, events=(*self.events, event))


def read_registry(path: Path) -> Registry:
    """Read and check the registry; anything missing or malformed is an `InputError`."""
    record = read_json(path)
    try:
        if record["format"] != FORMAT:
            raise ValueError(f"format {record['format']}")
        registry = Registry(
            entries=tuple(Entry(**entry) for entry in record["entries"]),
            events=tuple(Event(**event) for event in record["events"]),
        )
        _check_words(registry)
    except (KeyError, TypeError, ValueError) as error:
        got = f"missing key {error}" if isinstance(error, KeyError) else str(error)
        raise InputError(f"{path} is not a registry", got=got, mend="restore it from git") from error
    return registry


def _check_words(registry: Registry) -> None:
    for word, known in [(e.state, get_args(State)) for e in registry.entries] + [
        (e.outcome, get_args(Outcome)) for e in registry.events
    ]:
        if word not in known:
            raise ValueError(f"{word!r} where one of {', '.join(known)} belongs")


def write_registry(path: Path, registry: Registry) -> None:
    """Replace the file by `registry` in one step. Call it under `locked`."""
    write_json(
        path,
        {
            "format": FORMAT,
            "entries": [asdict(entry) for entry in registry.entries],
            "events": [asdict(event) for event in registry.events],
        },
    )


@contextmanager
def locked(path: Path) -> Iterator[None]:
    """Hold the registry against every other process that wants to change it; waits for its turn.

    The lock is on the file's folder, so that no lock file lies about in git; the kernel frees it when a process dies.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        fcntl.flock(folder, fcntl.LOCK_EX)
        yield
    finally:
        os.close(folder)
