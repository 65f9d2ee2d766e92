"""The annotations of a COCO person_keypoints file as `People`, all at once and strictly: one fault refuses the file.

For files that stages wrote, and for others' that are to be whole. `coco_json.py` calls it.
"""

from collections import Counter
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dataengine.boxes import box_from_keypoints, clip_boxes
from dataengine.columns import json_column
from dataengine.formats.reading.categories import (
    UNNAMED_JOINTS,
    WHOLE_PIXELS,
    PersonCategories,
    is_fiftyones,
    person_categories,
)
from dataengine.formats.reading.content import (
    CROWD,
    NO_JOINTS,
    OTHER_CATEGORY,
    ReaderNotes,
    Reject,
    as_truth,
    identifier,
    shown,
)
from dataengine.formats.reading.integers import whole_numbers
from dataengine.formats.reading.joints import COCO_MAP
from dataengine.formats.reading.plain_fields import number_rows, real_numbers, texts
from dataengine.keypoints import UNLABELLED
from dataengine.people import Images, People
from dataengine.person_scale import AREA, AREA_FROM, with_joint_area

_COCO_KEYS = frozenset(
    {"id", "image_id", "category_id", "bbox", "keypoints", "num_keypoints", "score", "weight", "source", "track_id"}
)
CROWD_COLUMN = "iscrowd"


def annotated_people(
    document: Mapping[str, Any], path: Path, images: Images
) -> tuple[People, ReaderNotes, Mapping[str, int]]:
    """The people of `document`, a file of the path `path`, what was passed over, and dropped joints by name.

    Raises:
        InputError: there are no people, or which joint is which cannot be known.
        Reject: a field of an annotation is malformed.
        KeyError, TypeError, ValueError: an annotation lacks one, or is none.
    """
    if not document["annotations"]:
        return People.empty(), ReaderNotes(), {}
    categories = person_categories(document, path, COCO_MAP)
    records, notes = _to_be_read(document["annotations"], categories)
    joints = _joints(records, categories)
    triples = categories.joints.to_coco(joints)
    image_id = whole_numbers("image_id", [record["image_id"] for record in records])
    rows = images.rows_of(image_id)  # every person stands in a known image
    size = np.stack([images.width[rows], images.height[rows]], axis=1)
    people = People.build(
        image_id=image_id,
        bbox_xywh_px=_boxes(records, joints, size),
        keypoints_px=triples[..., :2],
        visibility=triples[..., 2],
        score=real_numbers("score", [record.get("score", 1.0) for record in records]),
        weight=real_numbers("weight", [record.get("weight", 1.0) for record in records]),
        source=texts("source", [_real_if_none(record.get("source")) for record in records]),
        track_id=whole_numbers("track_id", [_no_track_if_none(record.get("track_id")) for record in records]),
        extras=_extras(records),
    )
    people = _with_areas(people, np.array([not record.get("bbox") for record in records], dtype=bool))
    if is_fiftyones(document) and records:
        notes = replace(notes, assumed={**notes.assumed, WHOLE_PIXELS: len(records)})
    return people, notes, categories.joints.dropped(joints)


def _no_track_if_none(value: Any) -> Any:
    """null, as many tools write who is on no track, as well as no `track_id`."""
    return -1 if value is None else value


def _real_if_none(value: Any) -> Any:
    return "real" if value is None else value


def _to_be_read(annotations: list[Any], categories: PersonCategories) -> tuple[list[dict[str, Any]], ReaderNotes]:
    """The annotations of people that state joints; the others, counted."""
    records, unnamed = [], 0
    passed, others = Counter[str](), Counter[str]()
    for record in annotations:
        category = identifier(record["category_id"])
        if category is not None and category in categories.others:
            passed[OTHER_CATEGORY] += 1
            others[categories.others[category]] += 1
        elif category not in categories.rows:
            raise Reject(f"category {shown(record['category_id'])} is unknown")
        elif record.get("keypoints") in (None, []):
            passed[CROWD if as_truth("iscrowd", record.get("iscrowd")) else NO_JOINTS] += 1
        else:
            records.append(record)
            unnamed += category in categories.unnamed
    assumed = {UNNAMED_JOINTS: unnamed} if unnamed else {}
    return records, ReaderNotes(dict(sorted(passed.items())), dict(others), assumed)


def _joints(records: list[dict[str, Any]], categories: PersonCategories) -> NDArray[np.float64]:
    """(n, joints of the categories, 3) x, y, flag; a joint of flag 0 has no place, whatever stands there."""
    joints = np.zeros((len(records), len(categories.joints), 3))
    of_category: dict[Any, list[int]] = {}
    for row, record in enumerate(records):
        of_category.setdefault(identifier(record["category_id"]), []).append(row)
    for category, rows in of_category.items():
        places = categories.rows[category]
        stated = number_rows("keypoints", [records[row]["keypoints"] for row in rows], 3 * len(places))
        joints[np.ix_(np.array(rows), places)] = stated.reshape(len(rows), len(places), 3)
    return np.where(joints[..., 2:] == UNLABELLED, 0.0, joints)


def _boxes(records: list[dict[str, Any]], joints: NDArray[np.float64], size: NDArray[np.int64]) -> NDArray[np.float64]:
    """(n, 4) the stated boxes; around all joints, cut to the image, where none is stated."""
    drawn = clip_boxes(box_from_keypoints(joints[..., :2], (joints[..., 2] > UNLABELLED).astype(int)), size, least_px=1)
    return number_rows("bbox", [record.get("bbox") or drawn[row].tolist() for row, record in enumerate(records)], 4)


def _with_areas(people: People, drawn: NDArray[np.bool_]) -> People:
    """The area of the joints for those whose box was drawn around them, unless the file states one."""
    areas: list[Any] = people.extras.get(AREA, np.full(len(people), None, dtype=object)).tolist()
    rows = [row for row in np.flatnonzero(drawn).tolist() if not areas[row]]
    if not rows:
        return people
    origins: list[Any] = people.extras.get(AREA_FROM, np.full(len(people), None, dtype=object)).tolist()
    own = with_joint_area(people)
    for row in rows:
        areas[row], origins[row] = float(own.extras[AREA][row]), str(own.extras[AREA_FROM][row])
    return people.replace(extras={**people.extras, AREA: json_column(areas), AREA_FROM: json_column(origins)})


def _extras(records: list[dict[str, Any]]) -> dict[str, NDArray[Any]]:
    names = sorted({name for record in records for name in record} - _COCO_KEYS)
    extras = {name: json_column([record.get(name) for record in records]) for name in names}
    if CROWD_COLUMN in extras:
        truths = [as_truth(CROWD_COLUMN, value) for value in extras[CROWD_COLUMN].tolist()]
        extras[CROWD_COLUMN] = np.array(truths, dtype=np.int64)
    return extras
