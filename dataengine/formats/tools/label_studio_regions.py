"""Regions of Label Studio: what one says, and those that make up a person.

Places are per cent of the picture and count from its corner. What a region is noted to be, by a choice of its own or
by its meta text, has the same id as the region.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dataengine.geometry.pixel_grid import from_corner
from dataengine.keypoints import OCCLUDED, UNLABELLED, VISIBLE

from ..persons import Persons
from ..pictures import Picture
from ..reading.categories import is_people
from ..reading.content import LONGEST_ID, NO_JOINTS, OTHER_CATEGORY, is_finite, need, shown
from ..reading.joints import JointMap, spelled

RECTANGLE, KEYPOINT, RELATION, CHOICES = "rectanglelabels", "keypointlabels", "relation", "choices"
FLAGS = {"occluded": OCCLUDED, "unlabelled": UNLABELLED, "outside": UNLABELLED, "visible": VISIBLE}
UNTIED = "joints that are tied to no rectangle as those of the only person in the picture"
Region = Mapping[str, Any]


@dataclass(frozen=True, eq=False)
class PersonRegions:
    """A rectangle and the keypoints that are its joints; either may be absent."""

    name: str
    rectangle: Region | None
    joints: Sequence[Region]
    notes: Mapping[str, Sequence[str]]
    """id of a region -> what choices and meta texts say of it."""
    taken: bool = False
    """Whether nothing ties some of the joints to the person, who is the only one there."""
    untied: bool = False
    """Whether it cannot be known whose joint it is."""

    def add_to(self, persons: Persons, picture: Picture | None, columns: Mapping[str, Any]) -> None:
        """Add the person, or pass it over; raises `Reject` where it is bad, or its picture is (None)."""
        label = "person" if self.rectangle is None else label_of(self.rectangle)
        if not is_people(label):
            persons.pass_over(OTHER_CATEGORY, label[:LONGEST_ID])
            return
        if not self.joints:
            persons.pass_over(NO_JOINTS)
            return
        need(not self.untied, "a keypoint is tied to none of the people of its picture, by parentID or a relation")
        need(picture is not None, "its image is bad")
        assert picture is not None
        box = None if self.rectangle is None else _box(self.rectangle)
        persons.add(picture, self._triples(persons.joints), box, source_id=self.name[:LONGEST_ID], columns=columns)
        if self.taken:
            persons.assume(UNTIED)

    def _triples(self, joints: JointMap) -> NDArray[np.float64]:
        """(joints, 3) x, y, flag."""
        names = [spelled(label_of(joint)) for joint in self.joints]
        twice = next((name for name, count in Counter(names).items() if count > 1), None)
        need(twice is None, f"joint {shown(twice)} is there more than once, tied to one person")
        triples = np.zeros((len(joints), 3))
        for name, joint in zip(names, self.joints, strict=True):
            place = from_corner(np.array(_pixels(joint, "x", "y")))
            triples[joints.names.index(name)] = *place, _flag(self.notes.get(id_of(joint), ()))
        return triples


def id_of(region: Region, key: str = "id") -> str:
    """An id as a text, "" where there is none."""
    value = region.get(key)
    return str(value) if isinstance(value, str | int) else ""


def value_of(region: Region) -> Mapping[str, Any]:
    """What the region holds, besides its place in the file."""
    value = region.get("value")
    return value if isinstance(value, dict) else {}


def texts_of(region: Region, key: str) -> list[str]:
    """The texts in a list of the region's value."""
    values = value_of(region).get(key)
    return [value for value in values if isinstance(value, str)] if isinstance(values, list) else []


def label_of(region: Region) -> str:
    """The label of a region whose type ends with `labels`; the list of labels is named as the type."""
    return next(iter(texts_of(region, str(region.get("type")))), "")


def notes_of(region: Region) -> list[str]:
    """The region's choices and meta texts."""
    meta = region.get("meta")
    text = meta.get("text") if isinstance(meta, dict) else None
    texts = text if isinstance(text, list) else [text]
    return texts_of(region, CHOICES) + [each for each in texts if isinstance(each, str)]


def _flag(notes: Sequence[str]) -> int:
    flags = [FLAGS[word.strip().lower()] for word in notes if word.strip().lower() in FLAGS]
    return min(flags, default=VISIBLE)


def _pixels(region: Region, *keys: str) -> list[float]:
    """Values in pixels of the original picture."""
    need(not region.get("image_rotation"), "the picture was turned in the tool")
    width, height = region.get("original_width"), region.get("original_height")
    values = [value_of(region).get(key) for key in keys]
    stated = all(map(is_finite, [width, height, *values]))
    need(stated, f"{', '.join(keys)} of region {shown(region.get('id'))} are not numbers")
    sides: Mapping[str, Any] = {"x": width, "width": width, "y": height, "height": height}
    return [float(value) / 100 * float(sides[key]) for key, value in zip(keys, values, strict=True)]  # type: ignore[arg-type]


def _box(rectangle: Region) -> list[float]:
    need(not value_of(rectangle).get("rotation"), "the rectangle is turned")
    return _pixels(rectangle, "x", "y", "width", "height")
