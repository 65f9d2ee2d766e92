"""MPII Human Pose: the `.mat` release, the JSON that mmpose and HRNet use, and out in the second.

16 joints in MATLAB pixels (from 1). Visibility: `is_visible` 1 is visible, 0 occluded; a joint that is not listed (in
JSON: without a position in the picture) is not labelled. The release leaves `is_visible` empty for some joints: those
are read as visible and counted. A person has no box, only a centre and a scale, so the box is drawn around the joints.
The release's `vididx`, the film that a picture is of, becomes its group; the JSON has lost it.
Dropped on the way in: pelvis, thorax, upper neck, head top, head boxes, activities, the centre and the scale. Lost on
the way out: face joints, boxes (a centre and a scale is all there is), images without people, and occlusion flags: the
JSON's readers take 0 for "not labelled".
"""

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dataengine.errors import InputError
from dataengine.files import RepeatedKeys, read_json, write_json
from dataengine.keypoints import OCCLUDED, UNLABELLED, VISIBLE
from dataengine.people import Images, People

from .coco_like import coco_triples
from .mat_files import as_list, load_variable, member
from .persons import Persons
from .pictures import Named, Picture, find_pictures
from .reading.content import BadRecord, Limits, Reject, SourceContent, are_numbers, need, shown
from .reading.joints import joint_map
from .writing import Written, lost_fields, lost_occlusion, relative_names

JOINT_NAMES = (
    "right_ankle",
    "right_knee",
    "right_hip",
    "left_hip",
    "left_knee",
    "left_ankle",
    "pelvis",
    "thorax",
    "upper_neck",
    "head_top",
    "right_wrist",
    "right_elbow",
    "right_shoulder",
    "left_shoulder",
    "left_elbow",
    "left_wrist",
)
MPII = joint_map(JOINT_NAMES)
MATLAB_ORIGIN = 1.0  # the centre of MATLAB's first pixel; HRNet and mmpose subtract it, too
PERSON_HEIGHT_PX = 200.0  # MPII's scale is the person's height over this
NO_FLAG = "joints without is_visible, read as visible"


def read_mpii(annotations: Path, folder: Path, limits: Limits) -> SourceContent:
    """Read the release (by its suffix .mat) or the JSON."""
    if annotations.suffix.lower() == ".mat":
        return _read_release(annotations, folder, limits)
    document = read_json(annotations, largest_bytes=limits.annotation_bytes)
    if not isinstance(document, list):
        raise InputError(f"{annotations} is not MPII JSON", expected="a list with one object per person")
    names = [record.get("image") if isinstance(record, dict) else None for record in document]
    image_names = list(dict.fromkeys(name for name in names if isinstance(name, str)))
    bad: list[BadRecord] = []
    pictures = find_pictures([Named(name, name) for name in image_names], folder, limits, bad)
    persons = Persons(MPII, outside_is_dropped=True)
    for position, (record, name) in enumerate(zip(document, names, strict=True)):
        try:
            picture = pictures.get(name) if isinstance(name, str) else None
            need(picture is not None, f"image {shown(name)} is unknown or bad")
            assert picture is not None
            need(not isinstance(record, RepeatedKeys), "a key appears in the record more than once")
            unread = sorted(record.keys() - {"image", "joints", "joints_vis"})
            persons.add(picture, _json_triples(record), None, source_id=position, unread=unread)
        except Reject as reason:
            bad.append(BadRecord(str(annotations), "annotations", f"#{position}", str(reason)))
    return persons.content(list(pictures.values()), bad, len(image_names) + len(document))


def write_mpii(annotations: Path, people: People, images: Images, folder: Path) -> Written:
    """Write the JSON: one object per person, in their order."""
    names = relative_names(images, folder)
    triples = MPII.from_coco(coco_triples(people))
    rows = images.rows_of(people.image_id)
    boxes = people.bbox_xywh_px.astype(np.float64)
    write_json(
        annotations,
        [
            {
                "image": names[rows[row]],
                "joints": _json_joints(triples[row]),
                "joints_vis": (triples[row, :, 2] > UNLABELLED).astype(int).tolist(),
                "center": (boxes[row, :2] + boxes[row, 2:] / 2 + MATLAB_ORIGIN).round(3).tolist(),
                "scale": round(float(boxes[row, 2:].max()) / PERSON_HEIGHT_PX, 6),
            }
            for row in range(len(people))
        ],
    )
    lost = MPII.lost(coco_triples(people)) | lost_occlusion(people) | lost_fields(people) | {"boxes": len(people)}
    empty = len(images) - len(np.unique(rows))
    return Written(len(people), len(images) - empty, lost | ({"images without people": empty} if empty else {}))


def _json_joints(triples: NDArray[np.float64]) -> list[list[float]]:
    points = np.where(triples[:, 2:] > UNLABELLED, triples[:, :2] + MATLAB_ORIGIN, -1.0)
    return [[float(x), float(y)] for x, y in points.round(3)]


def _json_triples(record: dict[str, Any]) -> NDArray[np.float64]:
    joints, flags = record.get("joints"), record.get("joints_vis")
    pairs = isinstance(joints, list) and len(joints) == len(MPII) and all(are_numbers(pair, 2) for pair in joints)
    need(pairs, f"joints are not {len(MPII)} pairs of numbers")
    need(are_numbers(flags, len(MPII)) and all(flag in (0, 1) for flag in flags or ()), "a joints_vis is not 0 or 1")
    points, seen = np.array(joints, dtype=np.float64), np.array(flags) == 1
    placed = (points > 0).all(axis=1)
    need(bool((placed | ~seen | ~np.isfinite(points).all(axis=1)).all()), "a visible joint has no position")
    return _triples(points, np.where(seen, VISIBLE, np.where(placed, OCCLUDED, UNLABELLED)))


def _triples(points: NDArray[np.float64], flags: NDArray[Any]) -> NDArray[np.float64]:
    return np.column_stack([np.where(flags[:, None] > UNLABELLED, points - MATLAB_ORIGIN, 0.0), flags])


def _read_release(annotations: Path, folder: Path, limits: Limits) -> SourceContent:
    release = load_variable(annotations, "RELEASE", limits, kinds=("struct",))
    entries = as_list(member(release, "annolist"))
    if member(release, "annolist") is None:
        raise InputError(f"{annotations} is not the MPII release", expected="RELEASE.annolist")
    bad: list[BadRecord] = []
    named: list[Named | BadRecord] = []
    for number, entry in enumerate(entries, 1):
        name = member(entry, "image", "name")
        named.append(
            Named(number, str(name), group=_video(entry))
            if isinstance(name, str)
            else BadRecord(str(annotations), "images", f"#{number}", "no image.name")
        )
    pictures = find_pictures(named, folder, limits, bad)
    persons, count = Persons(MPII, outside_is_dropped=True), len(entries)
    for number, entry in enumerate(entries, 1):
        rectangles = member(entry, "annorect")
        for person, rectangle in enumerate(as_list(rectangles) if rectangles is not None else [], 1):
            count += 1
            try:
                _add_from_release(persons, pictures.get(number), rectangle, number, person)
            except Reject as reason:
                bad.append(BadRecord(str(annotations), "annotations", f"{number}.{person}", str(reason)))
    return persons.content(list(pictures.values()), bad, count)


def _video(entry: Any) -> str:
    """The film that a picture of the release was taken from: several pictures are of one."""
    index = member(entry, "vididx")
    return f"video {int(index)}" if _number(index) else ""


def _add_from_release(persons: Persons, picture: Picture | None, rectangle: Any, number: int, person: int) -> None:
    need(picture is not None, f"image {number} is unknown or bad")
    assert picture is not None
    points = member(rectangle, "annopoints", "point")
    if points is None:  # the test half of the release, and people who only have a head box
        persons.add_unlabelled()
        return
    places, flags = np.zeros((len(MPII), 2)), np.zeros(len(MPII))
    without_flag = 0
    for point in as_list(points):
        joint, x, y, flag = (member(point, name) for name in ("id", "x", "y", "is_visible"))
        need(_number(joint) and float(joint) in range(len(MPII)), f"joint id is {shown(joint)}")
        need(_number(x) and _number(y), "a keypoint is not a finite number")
        row = int(joint)
        need(flags[row] == UNLABELLED, f"joint {row} appears twice")
        places[row] = x, y
        flags[row], stated = _release_flag(flag)
        without_flag += not stated and row in MPII.rows
    before = persons.without_labels
    unread = [name for name in ("x1", "scale", "objpos") if member(rectangle, name) is not None]
    persons.add(picture, _triples(places, flags), None, source_id=f"{number}.{person}", unread=unread)
    if without_flag and persons.without_labels == before:
        persons.dropped_joints[NO_FLAG] += without_flag


def _release_flag(flag: Any) -> tuple[int, bool]:
    """(COCO flag, whether the release states one). It is a number in some entries, a character in others."""
    if isinstance(flag, str):
        flag = {"0": 0, "1": 1}.get(flag.strip(), flag if flag.strip() else None)
    if flag is None or (isinstance(flag, np.ndarray) and flag.size == 0) or flag == "":
        return VISIBLE, False
    need(_number(flag) and float(flag) in (0, 1), f"is_visible is {shown(flag)}")
    return (VISIBLE if float(flag) == 1 else OCCLUDED), True


def _number(value: Any) -> bool:
    return isinstance(value, int | float | np.number) and not isinstance(value, bool) and bool(np.isfinite(value))
