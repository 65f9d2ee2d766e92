"""CVAT's XML "for images 1.1", in: skeletons of people, as an `annotations.xml` or the zip that it comes in.

A joint that is `outside` is not labelled (0), one that is `occluded` is 1, every other 2. A person's box is the
rectangle of people in the skeleton's group; without one it is that of the joints. Coordinates have two decimals and
count from the picture's corner. Track, score and annotator are attributes of the skeleton, if its label declares them.

Rectangles without a skeleton, polygons and masks of people are persons without joints; other labels are passed over,
too. Tracks ("for video") and people drawn as nameless points are refused.
"""

from collections import Counter
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any
from xml.etree.ElementTree import Element

import numpy as np
from numpy.typing import NDArray

from dataengine.errors import InputError
from dataengine.geometry.pixel_grid import from_corner
from dataengine.keypoints import COCO_KEYPOINTS, OCCLUDED, UNLABELLED, VISIBLE

from ..persons import Persons
from ..picture_search import PictureSearch
from ..pictures import Named, Picture, find_pictures
from ..reading.categories import is_people
from ..reading.content import (
    LONGEST_ID,
    NO_JOINTS,
    OTHER_CATEGORY,
    BadRecord,
    Limits,
    Reject,
    SourceContent,
    need,
    shown,
)
from ..reading.joints import JointMap, joint_map, spelled
from .cvat_labels import ATTRIBUTES, NOBODY
from .xml_files import read_xml

SHAPES = frozenset({"box", "polygon", "polyline", "points", "ellipse", "cuboid", "skeleton", "mask", "tag"})
SHOWN = 5


def read_cvat(annotations: Path, folder: Path | PictureSearch, limits: Limits) -> SourceContent:
    """Read an XML file, or the zip with it, whose images lie in `folder`; each bad record alone is set aside."""
    root = cvat_root(annotations, limits)
    images = root.findall("image")
    bad: list[BadRecord] = []
    pictures = find_pictures([_named(image, number) for number, image in enumerate(images, 1)], folder, limits, bad)
    persons = Persons(_joints(images, annotations))
    records = len(images)
    for number, image in enumerate(images, 1):
        boxes = _boxes(image)
        for position, shape in enumerate(shapes_of(image)):
            if any(shape is box for box in boxes.values()):
                continue  # a part of its person
            records += 1
            try:
                _add(persons, shape, pictures.get(number), boxes, f"{image.get('id', number)}:{position}")
            except Reject as reason:
                where = f"image {shown(image.get('name'))}, {shape.tag} {position + 1}"
                bad.append(BadRecord(str(annotations), "annotations", where, str(reason)))
    return persons.content(list(pictures.values()), bad, records)


def cvat_root(annotations: Path, limits: Limits) -> Element:
    """The checked root of an XML file."""
    root = read_xml(annotations, limits.annotation_bytes)
    if root.tag != "annotations":
        raise InputError(f"{annotations} is not CVAT's XML", expected="the element annotations", got=shown(root.tag))
    if root.find("track") is not None:
        fix = "export as CVAT for images 1.1"
        raise InputError(f"{annotations} has tracks", expected="images", got="CVAT for video", fix=fix)
    return root


def shapes_of(image: Element) -> Iterator[Element]:
    """What somebody drew in an image, or said of it, but for the tag that nobody is there."""
    for shape in image:
        if shape.tag in SHAPES and not is_nobody(shape):
            yield shape


def is_nobody(shape: Element) -> bool:
    """Whether this is the tag that says that a picture shows nobody."""
    return shape.tag == "tag" and shape.get("label", "").strip().lower() == NOBODY


def attributes_of(shape: Element) -> dict[str, str]:
    """The attributes that are not empty."""
    texts = {each.get("name", ""): (each.text or "").strip() for each in shape.findall("attribute")}
    return {name: text for name, text in texts.items() if text}


def _named(image: Element, number: int) -> Named:
    width, height = (_side(image.get(side)) for side in ("width", "height"))
    return Named(number, image.get("name"), width, height)


def _side(text: str | None) -> int | str | None:
    return int(text) if text is not None and text.isascii() and text.isdigit() and len(text) < 10 else text


def _joints(images: list[Element], annotations: Path) -> JointMap:
    """All joints that the file's people have."""
    names: dict[str, None] = {}
    for image in images:
        for skeleton in image.findall("skeleton"):
            if _is_person(skeleton):
                names |= dict.fromkeys(spelled(points.get("label", "")) for points in skeleton.findall("points"))
    if names and not set(names) & set(COCO_KEYPOINTS):
        got = ", ".join(map(shown, list(names)[:SHOWN]))
        fix = "name the skeleton's points in CVAT as COCO does, nose to right_ankle"
        raise InputError(f"{annotations}: joints of the skeletons", expected="names of joints", got=got, fix=fix)
    return joint_map(list(names) or COCO_KEYPOINTS)


def _is_person(shape: Element) -> bool:
    joints = joint_map([points.get("label", "") for points in shape.findall("points")])
    return is_people(shape.get("label"), None, joints if len(joints) else None)


def _boxes(image: Element) -> dict[str, Element]:
    """Group -> the box of the one person in it."""
    people, boxes = Counter[str](), dict[str, list[Element]]()
    for shape in shapes_of(image):
        group = shape.get("group_id", "0")
        if group == "0" or not _is_person(shape):
            continue
        people[group] += shape.tag == "skeleton"
        if shape.tag == "box":
            boxes.setdefault(group, []).append(shape)
    return {group: found[0] for group, found in boxes.items() if people[group] == 1 and len(found) == 1}


def _add(
    persons: Persons, shape: Element, picture: Picture | None, boxes: Mapping[str, Element], source_id: str
) -> None:
    if not _is_person(shape):
        persons.pass_over(OTHER_CATEGORY, shape.get("label", "")[:LONGEST_ID])
        return
    need(shape.tag != "points", "points of a person whose joints nothing names: label people with a skeleton")
    if shape.tag != "skeleton":
        persons.pass_over(NO_JOINTS)
        return
    triples = _triples(shape, persons.joints)
    if not (triples[:, 2] > UNLABELLED).any():
        persons.pass_over(NO_JOINTS)
        return
    need(picture is not None, "its image is bad")
    assert picture is not None
    texts = attributes_of(shape)
    box = boxes.get(shape.get("group_id", "0"))
    persons.add(
        picture,
        triples,
        None if box is None else _xywh(box),
        source_id=texts.get("id", source_id)[:LONGEST_ID],
        unread=sorted(texts.keys() - ATTRIBUTES),
        columns=_columns(texts),
    )


def _triples(skeleton: Element, joints: JointMap) -> NDArray[np.float64]:
    """(joints, 3) x, y, flag."""
    triples = np.zeros((len(joints), 3))
    seen = set[str]()
    for points in skeleton.findall("points"):
        name = spelled(points.get("label", ""))
        need(name not in seen, f"two joints are called {shown(name)}")
        need(name in joints.names, f"the labels name no joint {shown(name)}")
        seen.add(name)
        if points.get("outside", "0") == "1":
            continue
        flag = OCCLUDED if points.get("occluded", "0") == "1" else VISIBLE
        place = _numbers(*points.get("points", "").split(","))
        need(len(place) == 2, f"{shown(name)} is not at one place")
        triples[joints.names.index(name)] = *from_corner(np.array(place)), flag
    return triples


def _xywh(box: Element) -> list[float] | None:
    """None for a box that is turned, which no box of ours is."""
    if box.get("rotation", "0").strip("0.") != "":
        return None
    left, top, right, bottom = _numbers(*(box.get(name, "") for name in ("xtl", "ytl", "xbr", "ybr")))
    return [left, top, right - left, bottom - top]


def _numbers(*texts: str) -> list[float]:
    try:
        return [float(text) for text in texts]
    except ValueError as error:
        raise Reject("a coordinate is not a number") from error


def _columns(texts: Mapping[str, str]) -> dict[str, Any]:
    """Columns of a person from what stands in its attributes."""
    columns: dict[str, Any] = {"track_id": -1, "score": 1.0}
    if "track_id" in texts:
        track = texts["track_id"]
        need(track.isascii() and track.isdigit() and len(track) < 18, f"track_id is {shown(track)}, not a whole number")
        columns["track_id"] = int(track)
    if "score" in texts:
        (columns["score"],) = _numbers(texts["score"])
        need(bool(np.isfinite(columns["score"])), "score is not a finite number")
    if "annotator" in texts:
        columns["annotator"] = texts["annotator"]
    return columns
