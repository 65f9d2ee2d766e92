"""The registry of models: one JSON file kept in git, the artefacts of promoted models in a store folder.

`read_registry` reads; a change is read, made and written with `write_registry` inside `locked`. The changes are
methods of `Registry`, each of which returns another registry: `with_champion`, `with_rollback_to`, `with_candidate`,
`without`, and `with_event` for the line of history.

The file also holds the `ledger` of the comparisons that test sets have served, which `compare` writes.

An entry changed by hand is refused by its digest, a changed, removed or reordered event or line of the ledger by the
chain of digests, and a champion that the events do not name by `_check_champion`. Digests use no secret: a rewrite of
the file together with all its digests shows only in git's history. The artefacts are checked against the checksums
here, see `store`.

The file is what `promote` reads and changes, a dependency of that stage alone: what a round is compared with is the
entry that `params.yaml` names, and what it counts is the ledger up to the line that `params.yaml` names. A process
killed at any moment leaves the old file or the new one, never half of either.
"""

from collections.abc import Mapping
from contextlib import AbstractContextManager
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any, Literal

from dataengine.errors import InputError
from dataengine.files import locked_folder, read_json, write_json
from dataengine.registry.ledger import Ledger, TestUse, digest_of
from dataengine.typed_record import RECORDS

State = Literal["champion", "candidate", "archived"]
EventOutcome = Literal["promoted", "held", "refused", "not enough evidence", "rolled back"]
FORMAT = 4
FORMER_PLACE = Path("train/registry.json")
"""Where projects kept the registry once. A registry with a history that still lies there is an error."""
CHAMPION_OUTCOMES: frozenset[EventOutcome] = frozenset({"promoted", "rolled back"})
"""Outcomes that make the event's model champion."""


@dataclass(frozen=True)
class RegistryParams:
    """Section `registry` of params.yaml: where the registry lies."""

    file: str
    """The registry file, kept in git."""
    store: str
    """Folder with the artefacts of promoted models, one folder an entry."""


@dataclass(frozen=True)
class Entry:
    """A model that is or was champion, or may still become champion; its artefacts lie in ``<store>/<id>/``."""

    id: str
    """Hash of the exported networks, see `exported.model_id`."""
    state: State
    promoted_at: str
    """UTC, ISO 8601; for a candidate, when it was entered."""
    ap: float
    """OKS AP on the frozen test set at that time."""
    ap_low: float
    ap_high: float
    test_sha256: str
    """SHA-256 of the test set's file: two AP figures can be compared only where this is the same."""
    oks_sigmas: str
    """Name of the sigmas that its AP counts by: likewise."""
    files: dict[str, str]
    """SHA-256 of every network and engine by name."""
    lineage: dict[str, Any]
    """Hashes of weights, data and labels, params and code revision, from the export's sidecar."""
    records: dict[str, str] = field(default_factory=dict)
    """SHA-256 of the files next to the networks: sidecar, verdict and report."""


@dataclass(frozen=True)
class Event:
    """The outcome of one comparison, or a rollback."""

    at: str
    """UTC, ISO 8601."""
    id: str
    """The candidate; for a rollback, the model that is champion again."""
    outcome: EventOutcome
    against: str
    """The pinned champion, "" for none; for a rollback, the model that was champion until then."""
    ap: float
    oks_sigmas: str
    """Name of the sigmas that `ap` counts by."""
    reason: str
    comparison_sha256: str
    """SHA-256 of the verdict's file, "" for a rollback. A rerun on the same verdict adds no second line."""


@dataclass(frozen=True)
class Registry:
    """All entries in the order of their promotion, everything that happened, and what test sets were used for."""

    entries: tuple[Entry, ...] = ()
    events: tuple[Event, ...] = ()
    ledger: Ledger = field(default_factory=Ledger)

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
        entry_ids = ", ".join(entry.id for entry in self.entries) or "none"
        raise InputError(
            f"the registry has no model {entry_id!r}",
            expected=f"one of: {entry_ids}",
            fix="pin one of these as compare.champion, or run `dataengine begin-round`",
        )

    def with_champion(self, entry: Entry) -> "Registry":
        """`entry` becomes champion, the earlier champion is archived; a re-promoted model moves to the end."""
        others = (replace(e, state="archived") if e.state == "champion" else e for e in self.without(entry.id).entries)
        return replace(self, entries=(*others, replace(entry, state="champion")))

    def with_candidate(self, entry: Entry) -> "Registry":
        """`entry` is a candidate that may still be promoted; one that is or was champion stays what it is."""
        present_entry = next((e for e in self.entries if e.id == entry.id), None)
        if present_entry is not None and present_entry.state != "candidate":
            return self
        return replace(self, entries=(*self.without(entry.id).entries, replace(entry, state="candidate")))

    def without(self, entry_id: str) -> "Registry":
        """Without this entry."""
        return replace(self, entries=tuple(e for e in self.entries if e.id != entry_id))

    def with_rollback_to(self, entry_id: str) -> "Registry":
        """The archived entry becomes champion again.

        Raises:
            InputError: the entry is unknown, or not archived.
        """
        entry = self.entry(entry_id)
        if entry.state != "archived":
            archived = ", ".join(e.id for e in self.entries if e.state == "archived") or "none"
            raise InputError(
                f"{entry_id} cannot be rolled back to", expected=f"an archived model: {archived}", got=entry.state
            )
        return self.with_champion(entry)

    def was_promoted(self, comparison_sha256: str) -> bool:
        """Whether this comparison has led to a promotion."""
        return any(e.comparison_sha256 == comparison_sha256 and e.outcome == "promoted" for e in self.events)

    def taken_back(self, model_id: str, student_sha256: str = "") -> Event | None:
        """The rollback that took this model back, None if none did or it became champion again since.

        `student_sha256`, of the weights, finds the same network exported another time.
        """
        ids = {model_id} | {
            e.id for e in self.entries if student_sha256 and e.lineage.get("student_sha256") == student_sha256
        }
        for event in reversed(self.events):
            if event.outcome in CHAMPION_OUTCOMES and event.id in ids:
                return None
            if event.outcome == "rolled back" and event.against in ids:
                return event
        return None

    def with_event(self, event: Event) -> "Registry":
        """`event` is added unless the same comparison already ended that way; each rollback is an event of its own."""
        key = (event.comparison_sha256, event.id, event.outcome)
        if event.comparison_sha256 and any((e.comparison_sha256, e.id, e.outcome) == key for e in self.events):
            return self
        return replace(self, events=(*self.events, event))


def read_registry(path: Path) -> Registry:
    """Read and check the registry; anything missing, malformed or changed by hand is an `InputError`."""
    record = read_json(path)
    try:
        if record["format"] != FORMAT:
            raise ValueError(f"format {record['format']}")
        _check_digests(record)
        registry = Registry(
            entries=tuple(RECORDS.record(Entry, _plain(entry), f"{path}: entry") for entry in record["entries"]),
            events=tuple(RECORDS.record(Event, _plain(event), f"{path}: event") for event in record["events"]),
            ledger=_ledger_of(record),
        )
        _check_champion(registry)
    except (KeyError, TypeError, ValueError) as error:
        got = f"missing key {error}" if isinstance(error, KeyError) else str(error)
        raise InputError(f"{path} is not a registry", got=got, fix="restore it from git") from error
    if not registry.events and _has_history(FORMER_PLACE) and FORMER_PLACE.resolve() != path.resolve():
        raise InputError(
            f"{path} is empty, and {FORMER_PLACE} holds a registry with a history",
            fix=f"`git mv -f {FORMER_PLACE} {path}`, or name it as registry.file in params.yaml",
        )
    return registry


def _has_history(path: Path) -> bool:
    record = read_json(path) if path.is_file() else None
    return isinstance(record, dict) and bool(record.get("events"))


def write_registry(path: Path, registry: Registry) -> None:
    """Replace the file by `registry` in one step. Call it under `locked`."""
    events: list[dict[str, Any]] = []
    for event in map(asdict, registry.events):
        events.append(event | {"digest": _event_digest(event, events)})
    entries, ledger = [asdict(entry) for entry in registry.entries], registry.ledger
    write_json(
        path,
        {
            "format": FORMAT,
            "entries": [entry | {"digest": _entry_digest(entry)} for entry in entries],
            "events": events,
            "comparisons": [
                asdict(use) | {"digest": digest} for use, digest in zip(ledger.uses, ledger.digests, strict=True)
            ],
            "pictures": dict(ledger.pictures),
        },
    )


def _entry_digest(entry: Mapping[str, Any]) -> str:
    """Digest of an entry without its state, which the events vouch for."""
    return digest_of({name: value for name, value in _plain(entry).items() if name != "state"})


def _event_digest(event: Mapping[str, Any], earlier: list[dict[str, Any]]) -> str:
    """Digest of the event and, through the digest of the one before, of all earlier ones."""
    return digest_of([earlier[-1]["digest"] if earlier else "", _plain(event)])


def _plain(record: Mapping[str, Any]) -> dict[str, Any]:
    if not isinstance(record, Mapping):
        raise TypeError(f"{record!r} where a mapping of keys was expected")
    return {name: value for name, value in record.items() if name != "digest"}


def _check_digests(record: Mapping[str, Any]) -> None:
    for entry in record["entries"]:
        if entry["digest"] != _entry_digest(entry):
            raise ValueError(f"entry {entry['id']} was changed by hand")
    for row, event in enumerate(record["events"]):
        if event["digest"] != _event_digest(event, record["events"][:row]):
            raise ValueError(f"event {row + 1} ({event['at']}), or the one before, was changed by hand")


def _ledger_of(record: Mapping[str, Any]) -> Ledger:
    """The ledger, once its chain of digests holds."""
    lines = [RECORDS.record(TestUse, _plain(line), "comparisons") for line in record["comparisons"]]
    ledger = Ledger(tuple(lines), {name: tuple(pictures) for name, pictures in _plain(record["pictures"]).items()})
    for row, (line, digest) in enumerate(zip(record["comparisons"], ledger.digests, strict=True)):
        if line["digest"] != digest:
            raise ValueError(f"comparison {row + 1} ({line['at']}), or the one before, was changed by hand")
    return ledger


def _check_champion(registry: Registry) -> None:
    """The champion is the model that the last promotion or rollback made it."""
    champion_by_events = next(
        (event.id for event in reversed(registry.events) if event.outcome in CHAMPION_OUTCOMES), ""
    )
    champion = registry.champion.id if registry.champion else ""
    if champion_by_events != champion:
        raise ValueError(f"champion {champion or 'none'}, but by the events it is {champion_by_events or 'none'}")


def locked(path: Path) -> AbstractContextManager[None]:
    """Lock the registry against every other process that wants to change it; waits for its turn."""
    return locked_folder(path.parent)
