"""Formats that are COCO JSON in shape: images, annotations, categories; they differ in joints, flags and extra keys.

`read_coco_like` is the one reader of COCO, WholeBody, OCHuman, CrowdPose, AIC, PoseTrack18 and dataengine's files; a
format says how it differs with a `FormatLayout`. `coco_like_document` is the way back.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dataengine.errors import InputError
from dataengine.files import RepeatedKeys, read_json
from dataengine.keypoints import UNLABELLED
from dataengine.people import Images, People
from dataengine.person_scale import person_area

from .content import BadRecord, Limits, Reject, SourceContent, are_numbers, identity, is_whole, need, shown
from .joints import COCO_MAP, JointMap, joint_map
from .persons import Persons
from .pictures import Named, Picture, find_pictures

COCO_FLAGS: Mapping[int, int] = {0: 0, 1: 1, 2: 2}
GROUP_KEYS = ("group", "scene", "video", "video_id", "vid_id")
"""Keys of an image record that say what it was taken together with, the first that is there; the last three as CocoVID
and PoseTrack have them."""
LONGEST_GROUP = 200
STANDARD_FIELDS = frozenset({"id", "image_id", "category_id", "keypoints", "num_keypoints", "bbox", "area", "iscrowd"})


@dataclass(frozen=True)
class FormatLayout:
    """How a format differs from COCO keypoints."""

    joints: JointMap = COCO_MAP
    flags: Mapping[int, int] = field(default_factory=lambda: COCO_FLAGS)
    """The file's visibility -> COCO's."""
    outside_is_dropped: bool = False
    """Annotators placed joints beyond the picture's border: those become unlabelled; the record is kept."""
    sparse: bool = False
    """Keypoints, boxes or the sizes of images may be left out."""
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


def read_coco_like(annotations: Path, folder: Path, layout: FormatLayout, limits: Limits) -> SourceContent:
    """Read and check a file whose `file_name`s are relative to `folder`, record by record.

    Raises `InputError` only when the file as a whole is not of the format.
    """
    return read_document(
        read_json(annotations, largest_bytes=limits.annotation_bytes), annotations, folder, layout, limits
    )


def read_document(
    document: Any, annotations: Path, folder: Path, layout: FormatLayout, limits: Limits
) -> SourceContent:
    """`read_coco_like` for a document that is already read; `annotations` names it in the quarantine."""
    if not isinstance(document, dict) or not all(isinstance(document.get(k), list) for k in ("images", "annotations")):
        raise InputError(f"{annotations} is not COCO", expected="an object with the lists images and annotations")
    if isinstance(document, RepeatedKeys):
        raise InputError(f"{annotations} is ambiguous", expected="each of its keys once", got="a key that is repeated")
    joints, categories = _categories(document.get("categories"), annotations, layout)
    bad: list[BadRecord] = []
    named = [_named(record, number, annotations, layout) for number, record in enumerate(document["images"])]
    pictures = find_pictures(named, folder, limits, bad)
    persons = Persons(joints, outside_is_dropped=layout.outside_is_dropped)
    seen: set[int] = set()
    for position, record in enumerate(document["annotations"]):
        try:
            _add_person(persons, record, pictures, categories, seen, layout, len(joints))
        except Reject as reason:
            bad.append(BadRecord(str(annotations), "annotations", identity(record, position), str(reason)))
    records = len(document["images"]) + len(document["annotations"])
    return persons.content(list(pictures.values()), bad, records)


def coco_triples(people: People) -> NDArray[np.float64]:
    """(n, 17, 3) x, y, flag of `people`; zeros where unlabelled."""
    flags = people.visibility[..., None].astype(np.float64)
    points = people.keypoints_px.astype(np.float64)
    return np.concatenate([np.where(flags > UNLABELLED, points, 0.0), flags], axis=2)


def coco_like_document(
    people: People, images: Images, names: Sequence[str], joints: JointMap, keypoint_names: Sequence[str]
) -> dict[str, Any]:
    """COCO JSON with another skeleton, coordinates to a thousandth of a pixel.

    Args:
        people: the persons; extra columns `area` and `iscrowd` are kept.
        images: the table they stand in; a group, or else the video, becomes the key `group`.
        names: `file_name` of each image.
        joints: the format's skeleton.
        keypoint_names: names of the category's keypoints, spelled as the format spells them.
    """
    triples = joints.from_coco(coco_triples(people)).round(3)
    boxes = people.bbox_xywh_px.astype(np.float64).round(3)
    groups = np.where(images.group != "", images.group, images.video).tolist()
    area = person_area(people)
    return {
        "images": [
            {
                "id": int(images.id[row]),
                "file_name": names[row],
                "width": int(images.width[row]),
                "height": int(images.height[row]),
            }
            | ({"group": groups[row]} if groups[row] else {})
            for row in range(len(images))
        ],
        "annotations": [
            {
                "id": row + 1,
                "image_id": int(people.image_id[row]),
                "category_id": 1,
                "bbox": boxes[row].tolist(),
                "area": float(area[row]),
                "iscrowd": 0,
                "keypoints": [int(v) if i % 3 == 2 else v for i, v in enumerate(triples[row].ravel().tolist())],
                "num_keypoints": int((triples[row, :, 2] > UNLABELLED).sum()),
            }
            for row in range(len(people))
        ],
        "categories": [
            {"id": 1, "name": "person", "supercategory": "person", "keypoints": list(keypoint_names), "skeleton": []}
        ],
    }


def _categories(categories: Any, annotations: Path, layout: FormatLayout) -> tuple[JointMap, set[int]]:
    """The joints in the file's own order, and the ids of its person categories."""
    listed = [category for category in categories if isinstance(category, dict)] if isinstance(categories, list) else []
    joints, ids = layout.joints, set()
    for category in listed:
        stated: Any = category.get("keypoints")
        has_joints = isinstance(stated, list) and len(stated) == len(layout.joints)
        if not is_whole(category.get("id")) or not (has_joints or category.get("name") == "person"):
            continue
        ids.add(category["id"])
        if has_joints and all(isinstance(name, str) for name in stated):
            joints = joint_map(stated)
            if (
                joints.rows.tolist() != layout.joints.rows.tolist()
                or joints.coco.tolist() != layout.joints.coco.tolist()
            ):
                expected = ", ".join(layout.joints.names)
                raise InputError(f"{annotations} has other joints", expected=expected, got=shown(", ".join(stated)))
    if not ids:
        expected = f"a category 'person' with {len(layout.joints)} keypoints"
        raise InputError(f"{annotations} has no people", expected=expected, got=f"{len(listed)} other categories")
    return joints, ids


def _named(record: Any, position: int, annotations: Path, layout: FormatLayout) -> Named | BadRecord:
    try:
        need(isinstance(record, dict), "not an object")
        need(not isinstance(record, RepeatedKeys), "a key appears in the record more than once")
        need(is_whole(record.get("id")), f"id is {shown(record.get('id'))}, not a whole number")
        sizes = record.get("width"), record.get("height")
        need(layout.sparse or None not in sizes, "width and height are not sizes")
        group = _group(record, layout.group_keys)
        return Named(record["id"], record.get("file_name"), *sizes, *layout.frame_of(record), group)
    except Reject as reason:
        return BadRecord(str(annotations), "images", identity(record, position), str(reason))


def _group(record: dict[str, Any], keys: Sequence[str]) -> str:
    """What the first of `keys` that holds a name or a number says; a number goes with its key."""
    for key in keys:
        value = record.get(key)
        if is_whole(value):
            return f"{key} {value}"
        if isinstance(value, str) and 0 < len(value) <= LONGEST_GROUP:
            return value
    return ""


def _add_person(
    persons: Persons,
    record: Any,
    pictures: Mapping[Any, Picture],
    categories: set[int],
    seen: set[int],
    layout: FormatLayout,
    joints: int,
) -> None:
    need(isinstance(record, dict), "not an object")
    need(not isinstance(record, RepeatedKeys), "a key appears in the record more than once")
    source_id, category, image_id = record.get("id"), record.get("category_id"), record.get("image_id")
    need(is_whole(source_id), f"id is {shown(source_id)}, not a whole number")
    need(source_id not in seen, "this annotation id appears in the file more than once")
    seen.add(source_id)
    need(is_whole(category) and category in categories, f"category {shown(category)} is not a person's")
    picture = pictures.get(image_id) if is_whole(image_id) else None
    need(picture is not None, f"image {shown(image_id)} is unknown or bad")
    assert picture is not None
    values = record.get("keypoints")
    if layout.sparse and (values is None or values == []):
        persons.add_unlabelled()
        return
    need(are_numbers(values, 3 * joints), f"keypoints are not {3 * joints} numbers")
    triples = np.array(values, dtype=np.float64).reshape(joints, 3)
    triples[:, 2] = _flags(triples[:, 2], layout.flags)
    columns = layout.columns(record)
    others = {name: _labelled(record.get(name), count) for name, count in layout.other_joints.items()}
    if record.get("iscrowd"):
        persons.add_unlabelled()
        return
    box = record.get("bbox")
    need(box is not None or layout.sparse, "bbox is not four finite numbers")
    unread = record.keys() - STANDARD_FIELDS - layout.column_fields - others.keys() if not layout.reads_all else set()
    before = persons.without_labels
    columns = {**columns, "area": record.get("area")}
    persons.add(picture, triples, box, source_id=source_id, unread=sorted(unread), columns=columns)
    if persons.without_labels == before:
        persons.dropped_joints.update({name: number for name, number in others.items() if number})


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
