"""AI Challenger (AIC) keypoints, in both of its forms, and out in the second.

The release is a list with one object per image: flags 1 visible, 2 occluded, 3 not in the image; boxes as corners. The
form that mmpose passes around is COCO JSON, its flags already COCO's (2 visible, 1 occluded, 0 not labelled). The file
itself shows which of the two it is. Dropped on the way in: head top and neck. Lost on the way out: nose, eyes and ears.
"""

from pathlib import Path
from typing import Any

import numpy as np

from dataengine.files import RepeatedKeys, read_json, write_json
from dataengine.keypoints import OCCLUDED, UNLABELLED, VISIBLE
from dataengine.people import Images, People

from .coco_like import coco_like_document, coco_triples, read_document
from .coco_records import FormatLayout
from .persons import Persons
from .pictures import Named, Picture, find_pictures
from .reading.content import BadRecord, Limits, Reject, SourceContent, are_numbers, is_finite, need, shown
from .reading.joints import joint_map
from .writing import Written, lost_fields, relative_names

JOINT_NAMES = (
    "Right Shoulder",
    "Right Elbow",
    "Right Wrist",
    "Left Shoulder",
    "Left Elbow",
    "Left Wrist",
    "Right Hip",
    "Right Knee",
    "Right Ankle",
    "Left Hip",
    "Left Knee",
    "Left Ankle",
    "Head top",
    "Neck",
)
AIC = joint_map(JOINT_NAMES)
RELEASE_FLAGS = {0: UNLABELLED, 1: VISIBLE, 2: OCCLUDED, 3: UNLABELLED}


def read_aic(annotations: Path, folder: Path, limits: Limits) -> SourceContent:
    """Read either form."""
    document = read_json(annotations, largest_bytes=limits.annotation_bytes)
    if isinstance(document, list):
        return _read_release(document, annotations, folder, limits)
    return read_document(document, annotations, folder, FormatLayout(joints=AIC), limits)


def write_aic(annotations: Path, people: People, images: Images, folder: Path) -> Written:
    """Write the COCO form."""
    write_json(annotations, coco_like_document(people, images, relative_names(images, folder), AIC, JOINT_NAMES))
    lost = AIC.lost(coco_triples(people)) | lost_fields(people, kept={"area"})
    return Written(len(people), len(images), lost)


def _read_release(records: list[Any], annotations: Path, folder: Path, limits: Limits) -> SourceContent:
    bad: list[BadRecord] = []
    named = [_named(record, position, annotations) for position, record in enumerate(records)]
    pictures = find_pictures(named, folder, limits, bad)
    persons, count = Persons(AIC, outside_is_dropped=True), len(records)
    for record in records:
        joints = record.get("keypoint_annotations") if isinstance(record, dict) else None
        boxes = record.get("human_annotations") if isinstance(record, dict) else None
        for name, values in joints.items() if isinstance(joints, dict) else ():
            count += 1
            try:
                key = record.get("image_id")
                picture = pictures.get(key) if isinstance(key, str) else None
                need(picture is not None, f"image {shown(key)} is unknown or bad")
                assert picture is not None
                _add_person(persons, picture, name, values, boxes)
            except Reject as reason:
                bad.append(
                    BadRecord(str(annotations), "annotations", f"{shown(record.get('image_id'))} {name}", str(reason))
                )
    return persons.content(list(pictures.values()), bad, count)


def _named(record: Any, position: int, annotations: Path) -> Named | BadRecord:
    name = record.get("image_id") if isinstance(record, dict) else None
    if not isinstance(name, str) or not name or isinstance(record, RepeatedKeys):
        return BadRecord(str(annotations), "images", f"#{position}", "not an object with one image_id, a text")
    return Named(name, f"{name}.jpg")


def _add_person(persons: Persons, picture: Picture, name: str, values: Any, boxes: Any) -> None:
    need(are_numbers(values, 3 * len(AIC)), f"keypoints are not {3 * len(AIC)} numbers")
    triples = np.array(values, dtype=np.float64).reshape(-1, 3)
    need(bool(np.isin(triples[:, 2], list(RELEASE_FLAGS)).all()), "a visibility is not 1, 2 or 3")
    triples[:, 2] = [RELEASE_FLAGS[int(flag)] for flag in triples[:, 2]]
    corners = boxes.get(name) if isinstance(boxes, dict) else None
    need(
        isinstance(corners, list) and len(corners) == 4 and all(map(is_finite, corners)),
        "the box is not four finite numbers",
    )
    assert isinstance(corners, list)
    left, top, right, bottom = corners
    persons.add(picture, triples, [left, top, right - left, bottom - top], source_id=f"{picture.key} {name}")
