"""The registry as one JSON file kept in git; the artefacts of promoted models lie in a store folder.

`read_registry` reads; a change is read, made and written with `write_registry` inside `locked`. The file also holds the
`ledger` of the comparisons that test sets have served, which `compare` writes.

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
from dataclasses import asdict
from pathlib import Path
from typing import Any

from dataengine.errors import InputError
from dataengine.files import locked_folder, read_json, write_json
from dataengine.registry.ledger import Ledger, TestUse, digest_of
from dataengine.registry.records import CHAMPION_OUTCOMES, Entry, Event, Registry
from dataengine.typed_record import RECORDS

FORMAT = 4
FORMER_PLACE = Path("train/registry.json")
"""Where projects kept the registry once. A registry with a history that still lies there is an error."""


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
