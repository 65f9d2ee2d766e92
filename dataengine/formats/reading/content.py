"""What every adapter returns, and the helpers with which it judges one record.

Order: `BadRecord`, `ReaderNotes`, `SourceContent`, `Limits`, then `Reject` and its helpers.
"""

import math
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from dataengine.errors import ParamsError
from dataengine.people import Images, People

LONGEST_SHOWN = 80
LONGEST_ID = 200
MOST_MPX = 50  # the checks of a set decode no larger picture
LARGEST_COORDINATE = 1e9  # labels are kept in float32: 1e308 is finite, but not a coordinate
CROWD, NO_JOINTS, OTHER_CATEGORY, SKIPPED = "crowd", "no joints", "other category", "skipped"
PASSED_OVER: Mapping[str, str] = {
    CROWD: "one annotation for many people",
    NO_JOINTS: "a person without a labelled COCO-17 joint, such as a box alone",
    OTHER_CATEGORY: "not a person",
    SKIPPED: "a picture that an annotator skipped",
}
"""Kinds of annotations that are valid but hold nothing to learn from, and what each means."""


@dataclass(frozen=True)
class BadRecord:
    """One record that cannot be used."""

    file: str
    """The annotation file, or the image it names."""
    table: str
    """`images` or `annotations`."""
    id: str
    """The record's id as written, or its position where it has none."""
    reason: str

    def as_json(self) -> dict[str, str]:
        """For quarantine.json."""
        return asdict(self)


@dataclass(frozen=True)
class ReaderNotes:
    """What a reader passed over, and what it took for granted, each by kind."""

    passed_over: Mapping[str, int] = field(default_factory=dict)
    """Annotations that are valid but hold nothing to learn from; a key of PASSED_OVER -> how many. They are no bad
    records and do not count in the share of bad ones."""
    other_categories: Mapping[str, int] = field(default_factory=dict)
    """Those of other categories, by the category's name."""
    assumed: Mapping[str, int] = field(default_factory=dict)
    """What the file does not say and was taken for granted -> the number of records read that way."""

    def __post_init__(self) -> None:
        assert self.passed_over.keys() <= PASSED_OVER.keys(), self.passed_over

    @property
    def total(self) -> int:
        """Annotations passed over, of all kinds."""
        return sum(self.passed_over.values())

    @classmethod
    def added_up(cls, notes: Iterable["ReaderNotes"]) -> Self:
        """The notes of several sources as one.

        >>> ReaderNotes.added_up([ReaderNotes({CROWD: 1}), ReaderNotes({CROWD: 2, NO_JOINTS: 1})]).passed_over
        {'crowd': 3, 'no joints': 1}
        """
        sums: tuple[Counter[str], Counter[str], Counter[str]] = Counter(), Counter(), Counter()
        for each in notes:
            for total, part in zip(sums, (each.passed_over, each.other_categories, each.assumed), strict=True):
                total.update(part)
        return cls(*(dict(sorted(total.items())) for total in sums))

    def lines(self) -> list[str]:
        """Lines for the user: one on what was passed over, one on what was taken for granted.

        >>> ReaderNotes({CROWD: 1, OTHER_CATEGORY: 3}, {"ball": 3}).lines()
        ['passed over: 1 crowd, 3 other category (ball 3)']
        """
        kinds = [f"{count} {kind}" for kind, count in self.passed_over.items()]
        others = ", ".join(f"{name} {count}" for name, count in self.other_categories.items())
        assumed = ", ".join(f"{what} ({count})" for what, count in self.assumed.items())
        passed = ", ".join(kinds) + (f" ({others})" if others else "")
        return [f"{title}: {text}" for title, text in (("passed over", passed), ("taken", assumed)) if text]

    def as_json(self) -> dict[str, dict[str, int]]:
        """For metrics.json, quality.json and convert's report.json."""
        return {name: dict(counts) for name, counts in vars(self).items()}


@dataclass(frozen=True, eq=False)
class SourceContent:
    """What a source holds, in COCO-17. Every record is a person, an image, bad, or passed over."""

    people: People
    """Extra columns `area` and `area_from` (`person_scale`), `source_id` and `source_image_id`: the ids as the source
    wrote them."""
    images: Images
    """Every usable image, also those without people; ids count from 1 in the order of the file."""
    bad: list[BadRecord]
    records: int
    """Images and annotations in the source."""
    notes: ReaderNotes = field(default_factory=ReaderNotes)
    """What was passed over and taken for granted."""
    dropped_joints: Mapping[str, int] = field(default_factory=dict)
    """Labelled joints of kept people that were not mapped, by name."""
    dropped_fields: Mapping[str, int] = field(default_factory=dict)
    """Records of kept people with a field that was not read, by its name."""

    def __post_init__(self) -> None:
        accounted = len(self.people) + len(self.images) + len(self.bad) + self.without_labels
        assert self.records == accounted, f"{self.records} records in, {accounted} accounted for"

    @property
    def without_labels(self) -> int:
        """Annotations passed over, of all kinds."""
        return self.notes.total

    @property
    def judged(self) -> int:
        """The records that the share of bad ones is taken of: all but those passed over."""
        return self.records - self.notes.total


@dataclass(frozen=True)
class Limits:
    """Section `ingest.limits`: what a file from outside may ask of this machine."""

    annotation_mb: int = 512
    """Largest annotation file; reading it may take twelve times its size in memory."""
    image_mpx: int = 50
    """Largest image in million pixels, judged by its header before anything is decoded; at most 50."""

    def __post_init__(self) -> None:
        if self.annotation_mb < 1 or not 1 <= self.image_mpx <= MOST_MPX:
            expected = f"annotation_mb of 1 or more, image_mpx from 1 to {MOST_MPX}"
            raise ParamsError("params ingest.limits", expected=expected, got=f"{self.annotation_mb}, {self.image_mpx}")

    @property
    def annotation_bytes(self) -> int:
        """`annotation_mb` in bytes."""
        return self.annotation_mb * 1024**2


class Reject(Exception):
    """Why one record is bad; the others go on."""


def need(condition: bool, reason: str) -> None:
    """Raise `Reject` unless the condition holds."""
    if not condition:
        raise Reject(reason)


def is_whole(value: Any) -> bool:
    """An integer that fits into 64 bits; True does not count."""
    return isinstance(value, int) and not isinstance(value, bool) and abs(value) < 2**63


def identifier(value: Any) -> int | str | None:
    """An id as files write it: a whole number, 1.0 for 1 included, or a text; None for anything else."""
    if isinstance(value, float) and value.is_integer() and abs(value) < 2**53:
        return int(value)
    if isinstance(value, str):
        return value if 0 < len(value) <= LONGEST_ID else None
    return value if is_whole(value) else None


def as_truth(name: str, value: Any) -> bool:
    """What the field `name` says: 0 or 1, true or false, also as text; nothing is false. Else raises `Reject`."""
    if value is None or value == 0 or value == 1:  # false and true, too
        return bool(value)
    word = value.strip().lower() if isinstance(value, str) else ""
    need(word in ("0", "false", "1", "true"), f"{name} is {shown(value)}, not 0 or 1")
    return word in ("1", "true")


def joint_triples(values: Any, count: int) -> NDArray[np.float64]:
    """(count, 3) x, y, flag of a list of 3 * count numbers. A joint of flag 0 has no place, whatever stands there."""
    if not are_numbers(values, 3 * count):
        need(isinstance(values, list) and len(values) == 3 * count, f"keypoints are not {3 * count} numbers")
        values = [0 if values[i // 3 * 3 + 2] == 0 and i % 3 < 2 else value for i, value in enumerate(values)]
        need(are_numbers(values, 3 * count), f"keypoints are not {3 * count} numbers")
    triples = np.array(values, dtype=np.float64).reshape(count, 3)
    triples[triples[:, 2] == 0] = 0
    return triples


def is_finite(value: Any) -> bool:
    """A number that can be a coordinate or a size."""
    if not isinstance(value, int | float) or isinstance(value, bool):
        return False
    return math.isfinite(value) and abs(value) < LARGEST_COORDINATE


def are_numbers(values: Any, count: int) -> bool:
    """A list of `count` ints or floats, finite or not."""
    return isinstance(values, list) and len(values) == count and {int, float}.issuperset(map(type, values))


def is_shallow(value: Any, levels: int = 8) -> bool:
    """Lists and objects nested at most `levels` deep: deeper ones could be read but not written."""
    if not isinstance(value, list | dict):
        return True
    inner = value.values() if isinstance(value, dict) else value
    return levels > 0 and all(is_shallow(item, levels - 1) for item in inner)


def shown(value: Any) -> str:
    """A hostile value, short enough for one line; of a list or object, whatever its size or depth, only the kind."""
    if isinstance(value, list | dict):
        return "a list" if isinstance(value, list) else "an object"
    if isinstance(value, int) and not isinstance(value, bool) and not is_whole(value):
        return "a huge number"
    return repr(value[:LONGEST_SHOWN]) + "..." if isinstance(value, str) and len(value) > LONGEST_SHOWN else repr(value)


def identity(record: Any, position: int) -> str:
    """How a record is named in the quarantine: by its id, else by its position."""
    record_id = record.get("id") if isinstance(record, dict) else None
    return f"#{position}" if record_id is None else shown(record_id).strip("'")
