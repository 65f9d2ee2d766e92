"""Label Studio's own JSON: a list of tasks with their annotations, regions in per cent of the picture.

A person is a rectangle; the keypoints whose `parentID` names it, or that a relation ties to it, are its joints. A
picture with one rectangle or none, and each joint once, shows one person to whom all joints belong; with several, a
joint that is tied to nobody is refused. Each keypoint is flag 2 unless a choice or a note of its region says
`occluded` (1) or `unlabelled` (0). A choice `nobody` of the picture says that nobody is there. Each annotation keeps
who made it and when; skipped tasks and predictions are no labels. Places count from the corner of the picture. The
tool's COCO export merges people: do not use that.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

import numpy as np
from numpy.typing import NDArray

from dataengine.errors import InputError
from dataengine.files import read_json
from dataengine.geometry.pixel_grid import from_corner
from dataengine.keypoints import OCCLUDED, UNLABELLED, VISIBLE

from ..persons import Persons
from ..picture_search import PictureSearch
from ..pictures import Named, Picture, find_pictures
from ..reading.categories import is_people
from ..reading.content import (
    NO_JOINTS,
    OTHER_CATEGORY,
    BadRecord,
    Limits,
    Reject,
    SourceContent,
    is_finite,
    need,
    shown,
)
from ..reading.joints import COCO_MAP, JointMap, spelled

NOBODY = "nobody"
FLAGS = {"occluded": OCCLUDED, "unlabelled": UNLABELLED, "outside": UNLABELLED, "visible": VISIBLE}
UNTIED = "joints tied to no rectangle, where the picture shows one person"
Region = Mapping[str, Any]


def read_label_studio(annotations: Path, folder: Path | PictureSearch, limits: Limits) -> SourceContent:
    """Read an export of the kind JSON; pictures are found by the ends of their paths, as `PictureSearch` finds them.

    Raises:
        InputError: the file as a whole is another kind of export.
    """
    tasks = tasks_of(annotations, limits)
    answers = [answer for number, task in enumerate(tasks) for answer in answers_of(number, task)]
    bad: list[BadRecord] = []
    named = [_named(number, task, answers, annotations) for number, task in enumerate(tasks)]
    search = PictureSearch([folder]) if isinstance(folder, Path) else folder
    pictures = find_pictures(named, search, limits, bad)
    persons = Persons(_joints(answers))
    count = 0
    for answer in answers:
        groups = answer.people()
        count += len(groups)
        picture = pictures.get(answer.task)
        for group in groups:
            try:
                need(picture is not None, "its image is not usable")
                assert picture is not None
                group.add_to(persons, picture, answer.columns)
            except Reject as reason:
                bad.append(BadRecord(str(annotations), "annotations", group.name, str(reason)))
    return persons.content(list(pictures.values()), bad, len(tasks) + count)


def tasks_of(annotations: Path, limits: Limits) -> list[dict[str, Any]]:
    """The tasks of an export; anything else is an `InputError`."""
    tasks = read_json(annotations, largest_bytes=limits.annotation_bytes)
    if not isinstance(tasks, list) or not all(isinstance(task, dict) and "data" in task for task in tasks):
        fix = "export the project as JSON (not JSON-MIN, not COCO)"
        raise InputError(f"{annotations} is not Label Studio's JSON", expected="a list of tasks with data", fix=fix)
    return tasks


@dataclass(frozen=True, eq=False)
class PersonRegions:
    """A rectangle and the keypoints that are tied to it; either may be absent."""

    name: str
    rectangle: Region | None
    joints: Sequence[Region]
    notes: Mapping[str, Sequence[str]]
    """id of a region -> what choices and notes say of it."""
    untied: bool = False

    def add_to(self, persons: Persons, picture: Picture, columns: Mapping[str, Any]) -> None:
        """Add the person, or pass it over; raises `Reject` where it is bad."""
        label = "person" if self.rectangle is None else _label(self.rectangle, "rectanglelabels")
        if not is_people(label):
            persons.pass_over(OTHER_CATEGORY, label)
            return
        if not self.joints:
            persons.pass_over(NO_JOINTS)
            return
        need(not self.untied, "a keypoint is tied to none of the people of its picture")
        box = None if self.rectangle is None else _box(self.rectangle)
        persons.add(picture, self._triples(persons.joints), box, source_id=self.name, columns=columns)

    def _triples(self, joints: JointMap) -> NDArray[np.float64]:
        rows = np.zeros((len(joints), 3))
        seen = Counter(spelled(_label(joint, "keypointlabels")) for joint in self.joints)
        twice = [name for name, count in seen.items() if count > 1]
        need(not twice, f"joint {shown(twice[0]) if twice else ''} is there more than once, tied to one person")
        for joint in self.joints:
            row = joints.names.index(spelled(_label(joint, "keypointlabels")))
            rows[row] = [
                *from_corner(np.array(_pixels(joint, "x", "y"))),
                _flag(joint, self.notes.get(str(joint.get("id")), ())),
            ]
        return rows


@dataclass(frozen=True, eq=False)
class TaskAnswer:
    """One annotation of a task: what one annotator made of one picture."""

    task: int
    regions: Sequence[Region]
    columns: Mapping[str, Any]
    """`annotator` and `labelled_at`, where they are known."""

    @property
    def says_nobody(self) -> bool:
        """Whether a choice of the whole picture says so."""
        return any(
            NOBODY in map(str.lower, _texts(r, "choices")) for r in self.regions if "x" not in _value(r) and "type" in r
        )

    def people(self) -> list[PersonRegions]:
        """The rectangles with their joints, and joints that are tied to none."""
        rectangles = {str(r.get("id")): r for r in self.regions if r.get("type") == "rectanglelabels"}
        joints = [r for r in self.regions if r.get("type") == "keypointlabels"]
        owner = {str(joint.get("id")): self._owner(joint, rectangles) for joint in joints}
        notes = self._notes()
        tied = {key: [j for j in joints if owner[str(j.get("id"))] == key] for key in rectangles}
        loose = [joint for joint in joints if owner[str(joint.get("id"))] is None]
        names = Counter(_label(joint, "keypointlabels") for joint in joints)
        one = len(rectangles) <= 1 and max(names.values(), default=0) <= 1
        people_boxes = [key for key, r in rectangles.items() if is_people(_label(r, "rectanglelabels"))]
        if loose and one and len(people_boxes) == len(rectangles) == 1:
            tied[people_boxes[0]] += loose
            loose = []
        people = [PersonRegions(key, rectangles[key], tied[key], notes) for key in rectangles]
        if loose and one and not rectangles:
            return [PersonRegions(str(loose[0].get("id")), None, loose, notes)]
        return people + [PersonRegions(str(joint.get("id")), None, [joint], notes, untied=True) for joint in loose]

    def _owner(self, joint: Region, rectangles: Mapping[str, Region]) -> str | None:
        identity = str(joint.get("id"))
        if str(joint.get("parentID")) in rectangles:
            return str(joint["parentID"])
        for relation in self.regions:
            if relation.get("type") == "relation":
                ends = [str(relation.get("from_id")), str(relation.get("to_id"))]
                if identity in ends:
                    other = ends[1 - ends.index(identity)]
                    if other in rectangles:
                        return other
        return None

    def _notes(self) -> dict[str, list[str]]:
        notes: dict[str, list[str]] = {}
        for region in self.regions:
            words = _texts(region, "choices")
            meta = region.get("meta")
            text = meta.get("text") if isinstance(meta, dict) else None
            words += [word for word in ([text] if isinstance(text, str) else text or []) if isinstance(word, str)]
            notes.setdefault(str(region.get("id")), []).extend(words)
        return notes


def answers_of(number: int, task: Mapping[str, Any]) -> list[TaskAnswer]:
    """The annotations that were submitted; `number` is the task's in its file."""
    made = task.get("annotations")
    answers = []
    for annotation in made if isinstance(made, list) else []:
        if not isinstance(annotation, dict) or annotation.get("was_cancelled"):
            continue
        regions = [region for region in annotation.get("result") or [] if isinstance(region, dict)]
        by, at = (
            _annotator(annotation.get("completed_by")),
            annotation.get("updated_at") or annotation.get("created_at"),
        )
        columns = {"annotator": by} if by else {}
        answers.append(TaskAnswer(number, regions, columns | ({"labelled_at": at} if isinstance(at, str) else {})))
    return answers


def _annotator(value: Any) -> str:
    if isinstance(value, dict):
        value = value.get("email") or value.get("username") or value.get("id")
    return "" if value is None or isinstance(value, bool | list | dict) else str(value)


def _named(number: int, task: Mapping[str, Any], answers: Sequence[TaskAnswer], annotations: Path) -> Named | BadRecord:
    stored = picture_of(task)
    if not stored:
        return BadRecord(str(annotations), "images", str(task.get("id", number)), "the task names no picture")
    sizes = {
        (region.get("original_width"), region.get("original_height"))
        for answer in answers
        if answer.task == number
        for region in answer.regions
        if region.get("original_width") is not None
    }
    width, height = sizes.pop() if len(sizes) == 1 else (None, None)
    return Named(number, stored, width, height)


def picture_of(task: Mapping[str, Any]) -> str:
    """The name under which the tool stores the picture of a task, "" where it names none."""
    data = task.get("data")
    texts = {key: value for key, value in data.items() if isinstance(value, str)} if isinstance(data, dict) else {}
    stored = texts.get("image") or next((value for value in texts.values() if _looks_like_a_picture(value)), "")
    return unquote(stored)


def _looks_like_a_picture(text: str) -> bool:
    query = parse_qs(urlsplit(text).query).get("d", [""])[0]
    return Path(unquote(query or urlsplit(text).path)).suffix.lower() in {".jpg", ".jpeg", ".png", ".webp", ".tif"}


def _joints(answers: Sequence[TaskAnswer]) -> JointMap:
    names = dict.fromkeys(
        spelled(_label(region, "keypointlabels"))
        for answer in answers
        for region in answer.regions
        if region.get("type") == "keypointlabels"
    )
    return JointMap(tuple(names | dict.fromkeys(COCO_MAP.names)))


def _value(region: Region) -> Mapping[str, Any]:
    value = region.get("value")
    return value if isinstance(value, dict) else {}


def _texts(region: Region, key: str) -> list[str]:
    values = _value(region).get(key)
    return [value for value in values if isinstance(value, str)] if isinstance(values, list) else []


def _label(region: Region, key: str) -> str:
    return next(iter(_texts(region, key)), "")


def _flag(joint: Region, notes: Sequence[str]) -> int:
    flags = [FLAGS[word.strip().lower()] for word in notes if word.strip().lower() in FLAGS]
    return min(flags, default=VISIBLE)


def _pixels(region: Region, *keys: str) -> list[float]:
    """Values in pixels of the original picture."""
    need(not region.get("image_rotation"), "the picture was turned in the tool")
    sides = region.get("original_width"), region.get("original_height")
    values = [_value(region).get(key) for key in keys]
    need(
        all(map(is_finite, [*sides, *values])), f"{', '.join(keys)} of region {shown(region.get('id'))} are not numbers"
    )
    by_key = {"x": sides[0], "width": sides[0], "y": sides[1], "height": sides[1]}
    return [float(value) / 100 * float(by_key[key]) for key, value in zip(keys, values, strict=True)]  # type: ignore[arg-type]


def _box(rectangle: Region) -> list[float]:
    need(not _value(rectangle).get("rotation"), "the rectangle is turned")
    return _pixels(rectangle, "x", "y", "width", "height")
