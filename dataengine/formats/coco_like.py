"""Formats that are COCO JSON in shape: images, annotations, categories; they differ in joints, flags and extra keys.

`read_coco_like` is the one reader of COCO, WholeBody, OCHuman, CrowdPose, AIC, PoseTrack18 and dataengine's files; a
format says how it differs with a `FormatLayout`. `coco_like_document` is the way back.
"""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dataengine.errors import InputError
from dataengine.files import RepeatedKeys, read_json
from dataengine.keypoints import OCCLUDED, UNLABELLED
from dataengine.people import Images, People
from dataengine.person_scale import person_area

from .coco_records import COCO_FLAGS, AnnotationReader, FormatLayout
from .persons import Persons
from .picture_search import PictureSearch
from .pictures import Named, find_pictures
from .reading.categories import WHOLE_PIXELS, is_fiftyones, person_categories
from .reading.content import (
    BadRecord,
    Limits,
    ReaderNotes,
    Reject,
    SourceContent,
    identifier,
    identity,
    is_whole,
    need,
    shown,
)
from .reading.joints import JointMap

LONGEST_GROUP = 200
ONLY_OCCLUDED = "flag 1 as occluded, though no joint of the file has flag 2"


def read_coco_like(
    annotations: Path, folder: Path | PictureSearch, layout: FormatLayout, limits: Limits
) -> SourceContent:
    """Read and check a file whose `file_name`s are relative to `folder`, record by record.

    Raises `InputError` only when the file as a whole is not of the format.
    """
    return read_document(
        read_json(annotations, largest_bytes=limits.annotation_bytes), annotations, folder, layout, limits
    )


def read_document(
    document: Any, annotations: Path, folder: Path | PictureSearch, layout: FormatLayout, limits: Limits
) -> SourceContent:
    """`read_coco_like` for a document that is already read; `annotations` names it in the quarantine."""
    if not isinstance(document, dict) or not all(isinstance(document.get(k), list) for k in ("images", "annotations")):
        raise InputError(f"{annotations} is not COCO", expected="an object with the lists images and annotations")
    if isinstance(document, RepeatedKeys):
        raise InputError(f"{annotations} is ambiguous", expected="each of its keys once", got="a key that is repeated")
    categories = person_categories(document, annotations, layout.joints, any_joints=layout.any_joints)
    bad: list[BadRecord] = []
    named = [_named(record, number, annotations, layout) for number, record in enumerate(document["images"])]
    pictures = find_pictures(named, folder, limits, bad)
    persons = Persons(categories.joints, outside_is_dropped=layout.outside_is_dropped)
    reader = AnnotationReader(categories, pictures, persons, layout)
    for position, record in enumerate(document["annotations"]):
        try:
            reader.add(record)
        except Reject as reason:
            bad.append(BadRecord(str(annotations), "annotations", identity(record, position), str(reason)))
    records = len(document["images"]) + len(document["annotations"])
    content = persons.content(list(pictures.values()), bad, records)
    return replace(content, notes=ReaderNotes.added_up([content.notes, _doubts(content, document, layout)]))


def _doubts(content: SourceContent, document: dict[str, Any], layout: FormatLayout) -> ReaderNotes:
    """What the whole file shows of how its joints were written."""
    people = content.people
    doubts = [WHOLE_PIXELS] if is_fiftyones(document) and len(people) else []
    seen = set(np.unique(people.visibility).tolist()) - {UNLABELLED}
    if seen == {OCCLUDED} and layout.flags is COCO_FLAGS:
        doubts.append(ONLY_OCCLUDED)
    return ReaderNotes(assumed=dict.fromkeys(doubts, len(people)))


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


def _named(record: Any, position: int, annotations: Path, layout: FormatLayout) -> Named | BadRecord:
    try:
        need(isinstance(record, dict), "not an object")
        need(not isinstance(record, RepeatedKeys), "a key appears in the record more than once")
        key = identifier(record.get("id"))
        need(key is not None, f"id is {shown(record.get('id'))}, not a whole number or a text")
        assert key is not None
        sizes = _whole(record.get("width")), _whole(record.get("height"))
        group = _group(record, layout.group_keys)
        return Named(key, record.get("file_name"), *sizes, *layout.frame_of(record), group)
    except Reject as reason:
        return BadRecord(str(annotations), "images", identity(record, position), str(reason))


def _whole(side: Any) -> Any:
    """A size as a whole number where it is one, such as 640.0."""
    return int(side) if isinstance(side, float) and side.is_integer() else side


def _group(record: dict[str, Any], keys: Sequence[str]) -> str:
    """What the first of `keys` that holds a name or a number says; a number goes with its key."""
    for key in keys:
        value = record.get(key)
        if is_whole(value):
            return f"{key} {value}"
        if isinstance(value, str) and 0 < len(value) <= LONGEST_GROUP:
            return value
    return ""
