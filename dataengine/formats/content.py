"""What every adapter returns, and the helpers with which it judges one record.

Order: `BadRecord`, `SourceContent`, `Limits`, then `Reject` and its helpers.
"""

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from dataengine.errors import ParamsError
from dataengine.people import Images, People

LONGEST_SHOWN = 80
MOST_MPX = 50  # the checks of a set decode no larger picture
LARGEST_COORDINATE = 1e9  # labels are kept in float32: 1e308 is finite, but not a coordinate


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


@dataclass(frozen=True, eq=False)
class SourceContent:
    """What a source holds, in COCO-17. Every record is a person, an image, bad, or without labels."""

    people: People
    """Extra columns `area` and `area_from` (`person_scale`), `source_id` and `source_image_id`: the ids as the source
    wrote them."""
    images: Images
    """Every usable image, also those without people; ids count from 1 in the order of the file."""
    bad: list[BadRecord]
    records: int
    """Images and annotations in the source."""
    without_labels: int
    """Annotations without a labelled COCO-17 joint, and crowds: valid, but nothing to learn from."""
    dropped_joints: Mapping[str, int] = field(default_factory=dict)
    """Labelled joints of kept people that were not mapped, by name."""
    dropped_fields: Mapping[str, int] = field(default_factory=dict)
    """Records of kept people with a field that was not read, by its name."""

    def __post_init__(self) -> None:
        accounted = len(self.people) + len(self.images) + len(self.bad) + self.without_labels
        assert self.records == accounted, f"{self.records} records in, {accounted} accounted for"


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
