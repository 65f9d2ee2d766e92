"""Tasks of Label Studio's JSON: the picture of each, and what each annotator made of it."""

import base64
import binascii
import math
from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

from dataengine.errors import InputError
from dataengine.files import read_json

from ..reading.categories import is_people
from ..reading.content import Limits
from .label_studio_regions import (
    CHOICES,
    KEYPOINT,
    RECTANGLE,
    RELATION,
    PersonRegions,
    Region,
    id_of,
    label_of,
    notes_of,
    texts_of,
    value_of,
)

NOBODY = "nobody"
_PICTURES = frozenset({".jpg", ".jpeg", ".png", ".webp", ".tif", ".tiff", ".bmp"})


@dataclass(frozen=True, eq=False)
class TaskAnswer:
    """One annotation of a task: what one annotator made of one picture."""

    task: int
    regions: Sequence[Region]
    columns: Mapping[str, Any]
    """`annotator`, `labelled_at` and `lead_time_s`, where they are known."""

    @property
    def says_nobody(self) -> bool:
        """Whether a choice of the whole picture says so."""
        choices = [r for r in self.regions if r.get("type") == CHOICES and "x" not in value_of(r)]
        return any(NOBODY in map(str.lower, texts_of(region, CHOICES)) for region in choices)

    @property
    def joints(self) -> list[Region]:
        """The keypoints."""
        return [region for region in self.regions if region.get("type") == KEYPOINT]

    def people(self) -> list[PersonRegions]:
        """The rectangles with their joints, and joints that are tied to none."""
        rectangles: dict[str, Region] = {}
        for number, region in enumerate(self.regions):
            if region.get("type") == RECTANGLE:
                key = id_of(region)
                rectangles[f"#{number}" if key in rectangles else key] = region
        tied: dict[str, list[Region]] = {key: [] for key in rectangles}
        loose: list[Region] = []
        owners = _Owners(self.regions, rectangles.keys())
        for joint in self.joints:
            owner = owners.of(joint)
            (loose if owner is None else tied[owner]).append(joint)
        notes = self._notes()
        if not loose or not self._shows_one_person(rectangles):
            people = [PersonRegions(key, region, tied[key], notes) for key, region in rectangles.items()]
            return people + [PersonRegions(id_of(joint), None, [joint], notes, untied=True) for joint in loose]
        if not rectangles:
            return [PersonRegions(id_of(loose[0]), None, loose, notes, taken=True)]
        ((key, region),) = rectangles.items()
        return [PersonRegions(key, region, tied[key] + loose, notes, taken=True)]

    def others(self) -> Iterator[str]:
        """Labels of what is neither a rectangle nor a keypoint: polygons, masks, ellipses."""
        for region in self.regions:
            kind = str(region.get("type"))
            if kind.endswith("labels") and kind not in (RECTANGLE, KEYPOINT):
                yield label_of(region) or kind

    def _shows_one_person(self, rectangles: Mapping[str, Region]) -> bool:
        """Whether there is one person at most, each of whose joints is there once."""
        often = Counter(label_of(joint) for joint in self.joints)
        return len(rectangles) <= 1 and max(often.values()) == 1 and all(map(_is_person, rectangles.values()))

    def _notes(self) -> dict[str, list[str]]:
        notes: dict[str, list[str]] = {}
        for region in self.regions:
            notes.setdefault(id_of(region), []).extend(notes_of(region))
        return notes


class _Owners:
    """Which rectangle a keypoint belongs to."""

    def __init__(self, regions: Sequence[Region], rectangles: Collection[str]) -> None:
        self._rectangles = rectangles
        self._parents = {id_of(region): id_of(region, "parentID") for region in regions if id_of(region, "parentID")}
        self._related: dict[str, str] = {}
        for relation in (region for region in regions if region.get("type") == RELATION):
            one, other = id_of(relation, "from_id"), id_of(relation, "to_id")
            for joint, rectangle in ((one, other), (other, one)):
                if rectangle in rectangles:
                    self._related.setdefault(joint, rectangle)

    def of(self, joint: Region) -> str | None:
        """The rectangle that is the parent of the keypoint, or of one above it; else one that a relation names."""
        above, seen = id_of(joint, "parentID"), set[str]()
        while above and above not in seen:
            if above in self._rectangles:
                return above
            seen.add(above)
            above = self._parents.get(above, "")
        return self._related.get(id_of(joint))


def tasks_of(annotations: Path, limits: Limits) -> list[dict[str, Any]]:
    """The tasks of an export; anything else is an `InputError`."""
    tasks = read_json(annotations, largest_bytes=limits.annotation_bytes)
    if not isinstance(tasks, list) or not all(isinstance(task, dict) and "data" in task for task in tasks):
        fix = "export the project as JSON (not JSON-MIN, not COCO)"
        raise InputError(f"{annotations} is not Label Studio's JSON", expected="a list of tasks with data", fix=fix)
    return tasks


def answers_of(number: int, task: Mapping[str, Any]) -> list[TaskAnswer]:
    """The annotations that were submitted; `number` is the task's in its file."""
    return [_answer(number, each) for each in _annotations(task) if not each.get("was_cancelled")]


def skipped_in(task: Mapping[str, Any]) -> int:
    """How often an annotator skipped the task instead of submitting it."""
    return sum(bool(each.get("was_cancelled")) for each in _annotations(task))


def picture_of(task: Mapping[str, Any]) -> str:
    """The path of a task's picture as far as it is known, "" where it names none.

    Of an upload that is the name alone: its folders are the tool's own.
    """
    data = task.get("data")
    texts = {key: value for key, value in data.items() if isinstance(value, str)} if isinstance(data, dict) else {}
    paths = {key: _path(value) for key, value in texts.items()}
    return paths.get("image") or next((p for p in paths.values() if PurePosixPath(p).suffix.lower() in _PICTURES), "")


def _annotations(task: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    made = task.get("annotations")
    return [each for each in made if isinstance(each, dict)] if isinstance(made, list) else []


def _answer(number: int, annotation: Mapping[str, Any]) -> TaskAnswer:
    result = annotation.get("result")
    regions = [region for region in result if isinstance(region, dict)] if isinstance(result, list) else []
    by, at = _who(annotation.get("completed_by")), annotation.get("updated_at") or annotation.get("created_at")
    known = {"annotator": by, "labelled_at": at if isinstance(at, str) else "", "lead_time_s": _seconds(annotation)}
    return TaskAnswer(number, regions, {name: value for name, value in known.items() if value})


def _seconds(annotation: Mapping[str, Any]) -> float | None:
    """How long the annotator had the task open before submitting it."""
    took = annotation.get("lead_time")
    return float(took) if isinstance(took, int | float) and not isinstance(took, bool) and 0 < took < math.inf else None


def _who(value: Any) -> str:
    """The e-mail address of an annotator, or their number, as the export has it."""
    if isinstance(value, dict):
        value = value.get("email") or value.get("username") or value.get("id")
    return str(value) if isinstance(value, str | int) and not isinstance(value, bool) else ""


def _is_person(rectangle: Region) -> bool:
    return is_people(label_of(rectangle))


def _path(stored: str) -> str:
    """The path in a URL of the tool or of the web; keys of a bucket are paths as they are."""
    try:
        url = urlsplit(stored)
        query = parse_qs(url.query)
    except ValueError:
        return stored
    if "d" in query and url.path.endswith("/local-files/"):
        return query["d"][0]
    if "fileuri" in query:
        return _path(_decoded(query["fileuri"][0]))
    if url.path.startswith("/data/upload/"):
        return PurePosixPath(unquote(url.path)).name
    return unquote(url.path) if url.scheme in ("http", "https") else stored


def _decoded(text: str) -> str:
    """The address in base64 that a link to a cloud's storage has."""
    try:
        return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)).decode()
    except (binascii.Error, ValueError):
        return text
