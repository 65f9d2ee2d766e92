"""One annotation of a COCO-like file: whose it is, whether it is to be learnt from, and where its joints are.

`FormatLayout` says how a format differs from COCO; `AnnotationReader` judges the annotations one by one.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dataengine.files import RepeatedKeys
from dataengine.keypoints import UNLABELLED

from .persons import Persons
from .pictures import Picture
from .reading.categories import UNNAMED_JOINTS, PersonCategories
from .reading.content import (
    CROWD,
    NO_JOINTS,
    OTHER_CATEGORY,
    are_numbers,
    as_truth,
    identifier,
    joint_triples,
    need,
    shown,
)
from .reading.joints import COCO_MAP, JointMap

COCO_FLAGS: Mapping[int, int] = {0: 0, 1: 1, 2: 2}
GROUP_KEYS = ("group", "scene", "video", "video_id", "vid_id")
"""Keys of an image record that say what it was taken together with, the first that is there; the last three as CocoVID
and PoseTrack have them."""
STANDARD_FIELDS = frozenset({"id", "image_id", "category_id", "keypoints", "num_keypoints", "bbox", "area", "iscrowd"})


@dataclass(frozen=True)
class FormatLayout:
    """How a format differs from COCO keypoints."""

    joints: JointMap = COCO_MAP
    """The joints, in the order that they have where a file names none."""
    any_joints: bool = False
    """Whether a file may name others than these."""
    flags: Mapping[int, int] = field(default_factory=lambda: COCO_FLAGS)
    """The file's visibility -> COCO's."""
    outside_is_dropped: bool = False
    """Annotators placed joints beyond the picture's border: those become unlabelled; the record is kept."""
    columns: Callable[[dict[str, Any]], dict[str, Any]] = lambda record: {}
    """Further columns of a person from its record; may raise `Reject`."""
    column_fields: frozenset[str] = frozenset()
    """Keys that `columns` reads."""
    reads_all: bool = False
    """`columns` reads every key."""
    other_joints: Mapping[str, int] = field(default_factory=dict)
    """Keys with joints of other parts as x, y, flag triples: counted as dropped joints. Value: how many joints."""
    frame_of: Callable[[dict[str, Any]], tuple[str, int]] = lambda record: ("", -1)
    """Video and frame index of an image record."""
    group_keys: Sequence[str] = GROUP_KEYS
    """Keys of an image record that name its scene or recording."""


class AnnotationReader:
    """Adds the annotations of one file to its persons."""

    def __init__(
        self,
        categories: PersonCategories,
        pictures: Mapping[Any, Picture],
        persons: Persons,
        layout: FormatLayout,
    ) -> None:
        self._categories, self._pictures, self._persons, self._layout = categories, pictures, persons, layout
        self._read = STANDARD_FIELDS | layout.column_fields | layout.other_joints.keys()
        self._seen: set[int | str] = set()

    def add(self, record: Any) -> None:
        """Add a person, or pass the annotation over; raises `Reject` when it is bad.

        What is passed over need not be whole otherwise: nothing of it is used.
        """
        need(isinstance(record, dict), "not an object")
        need(not isinstance(record, RepeatedKeys), "a key appears in the record more than once")
        category = self._category(record.get("category_id"))
        if category in self._categories.others:
            self._persons.pass_over(OTHER_CATEGORY, self._categories.others[category])
        elif as_truth("iscrowd", record.get("iscrowd")):
            self._persons.pass_over(CROWD)
        elif _without_joints(record.get("keypoints")):
            self._persons.pass_over(NO_JOINTS)
        else:
            self._add_person(record, category)

    def _category(self, value: Any) -> int | str:
        category = identifier(value)
        known = category in self._categories.rows or category in self._categories.others
        need(known, f"category {shown(value)} is unknown")
        assert category is not None
        return category

    def _add_person(self, record: dict[str, Any], category: int | str) -> None:
        source_id, image_id = identifier(record.get("id")), identifier(record.get("image_id"))
        need(source_id is not None, f"id is {shown(record.get('id'))}, not a whole number or a text")
        need(source_id not in self._seen, "this annotation id appears in the file more than once")
        assert source_id is not None
        self._seen.add(source_id)
        picture = self._pictures.get(image_id)
        need(picture is not None, f"image {shown(record.get('image_id'))} is unknown or bad")
        assert picture is not None
        triples = self._triples(record.get("keypoints"), category)
        columns = self._layout.columns(record) | {"area": record.get("area")}
        others = {name: _labelled(record.get(name), count) for name, count in self._layout.other_joints.items()}
        unread = [] if self._layout.reads_all else sorted(record.keys() - self._read)
        before = self._persons.without_labels
        box = record.get("bbox")
        box = None if box == [] else box
        self._persons.add(picture, triples, box, source_id=source_id, unread=unread, columns=columns)
        if self._persons.without_labels == before:
            self._persons.dropped_joints.update({name: number for name, number in others.items() if number})
            if category in self._categories.unnamed:
                self._persons.assume(UNNAMED_JOINTS)

    def _triples(self, values: Any, category: int | str) -> NDArray[np.float64]:
        """The joints in the order of all people of the file, flags as COCO's."""
        rows = self._categories.rows[category]
        stated = joint_triples(values, len(rows))
        stated[:, 2] = _flags(stated[:, 2], self._layout.flags)
        triples = np.zeros((len(self._categories.joints), 3))
        triples[rows] = stated
        return triples


def _without_joints(values: Any) -> bool:
    """Whether no joint is stated, or none of them is labelled."""
    if not isinstance(values, list):
        return values is None
    return len(values) % 3 == 0 and all(flag == UNLABELLED for flag in values[2::3])


def _flags(flags: NDArray[np.float64], coco_flags: Mapping[int, int]) -> NDArray[np.float64]:
    mapped = np.full(len(flags), -1.0)
    for theirs, ours in coco_flags.items():
        mapped[flags == theirs] = ours
    *first, last = map(str, coco_flags)
    need(bool((mapped >= 0).all()), f"a visibility is not {', '.join(first)} or {last}")
    return mapped


def _labelled(values: Any, count: int) -> int:
    """How many of `count` joints of another part are labelled; 0 when they are not numbers, since nothing uses them."""
    return sum(flag > UNLABELLED for flag in values[2::3]) if are_numbers(values, 3 * count) else 0
