"""What the registry says: models, what became of each comparison, and what test sets were used for.

The changes are methods of `Registry`, each of which returns another registry: `with_champion`, `with_rollback_to`,
`with_candidate`, `without`, and `with_event` for the line of history. `registry_file.py` reads and writes it.
"""

from dataclasses import dataclass, field, replace
from typing import Any, Literal

from dataengine.errors import InputError
from dataengine.registry.ledger import Ledger

State = Literal["champion", "candidate", "archived"]
EventOutcome = Literal["promoted", "held", "refused", "not enough evidence", "rolled back"]
CHAMPION_OUTCOMES: frozenset[EventOutcome] = frozenset({"promoted", "rolled back"})
"""Outcomes that make the event's model champion."""
PIN_ANOTHER = "pin one of these as compare.champion, or run `dataengine begin-round`"


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

    def entry(self, entry_id: str, *, fix: str = PIN_ANOTHER) -> Entry:
        """The entry with this id; an unknown one is an `InputError`, with `fix` as what to do."""
        for entry in self.entries:
            if entry.id == entry_id:
                return entry
        entry_ids = ", ".join(entry.id for entry in self.entries) or "none"
        raise InputError(
            f"the registry has no model {entry_id!r}",
            expected=f"one of: {entry_ids}",
            fix=fix,
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
        entry = self.entry(entry_id, fix="`dataengine history` lists the models")
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
