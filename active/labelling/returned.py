"""What an import did not use, counted and listed: nothing that an annotator did is left out without a word."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from dataengine.formats.reading.content import SourceContent

LISTED = 5
"""What a line names; the rest is counted."""


@dataclass(frozen=True, kw_only=True)
class Returned:
    """What came back and was not kept, or only once."""

    notes: Sequence[str] = ()
    """What the reader passed over, took for granted and dropped."""
    not_found: Sequence[str] = ()
    """Pictures without people that are not there."""
    altered: Sequence[str] = ()
    """Pictures that look like one that was sent and have its size, in other bytes: encoded again, or edited."""
    earlier: Sequence[str] = ()
    """Pictures that another record sent."""
    not_sent: Sequence[str] = ()
    """All other pictures that were not sent."""
    people_of_others: int = 0
    """People in pictures that were not sent."""
    listed_twice: Sequence[str] = ()
    """Pictures with more than one entry; their people were taken together."""
    same_person: Sequence[str] = ()
    """People whom an annotator labelled twice, in the very same place; once is enough."""
    relabelled: Sequence[str] = ()
    """People whom an annotator labelled again in another answer about the picture; the last made counts."""
    two_annotators: Sequence[str] = ()
    """People whom a second annotator labelled; the first one's labels count."""

    def with_notes_of(self, content: SourceContent) -> Returned:
        """With what a reader says of its file."""
        dropped = ", ".join(f"{name} {count}" for name, count in content.dropped_joints.items())
        return replace(self, notes=[*content.notes.lines(), *([f"dropped joints: {dropped}"] if dropped else [])])

    def lines(self) -> list[str]:
        """Lines for the user; none where everything was used."""
        kinds = {
            "images without people are not there": self.not_found,
            "images look like ones that were sent, in other bytes: encoded again, or edited; not used": self.altered,
            "images belong to another record; import them with it (--sent)": self.earlier,
            "images were not sent out; not used": self.not_sent,
            "images are listed more than once; their people were taken together": self.listed_twice,
            "people were labelled twice in the same place; kept once": self.same_person,
            "people were labelled again by the same annotator; the last made count": self.relabelled,
            "people were labelled by two annotators; the first one's labels count": self.two_annotators,
        }
        lines = [f"{len(names)} {what}: {_listed(names)}" for what, names in kinds.items() if names]
        others = f"{self.people_of_others} people were in images that were not sent out"
        return [*self.notes, *lines, *([others] if self.people_of_others else [])]

    def as_json(self) -> Mapping[str, Any]:
        """For the label file: whatever there is."""
        return {name: value if isinstance(value, int) else list(value) for name, value in vars(self).items() if value}


def _listed(names: Sequence[str]) -> str:
    more = f" and {len(names) - LISTED} more" if len(names) > LISTED else ""
    return ", ".join(names[:LISTED]) + more
