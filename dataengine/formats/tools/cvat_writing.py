"""CVAT's XML "for images 1.1", out: a skeleton for each person, with its box in the same group.

A joint of flag 0 goes out as `outside`, 1 as `occluded`. CVAT's importer needs a place for each joint, so those that
are not labelled get one as a figure in the person's box has it: an annotator who switches one on finds it near the
body. CVAT keeps two decimals; so does this.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any
from xml.etree.ElementTree import Element, ElementTree, SubElement, indent

import numpy as np
from numpy.typing import NDArray

from dataengine.files import atomic_path, write_json
from dataengine.geometry.pixel_grid import to_corner
from dataengine.keypoints import COCO_KEYPOINTS, OCCLUDED, UNLABELLED
from dataengine.people import Images, People

from ..writing import Written, lost_fields, relative_names
from .cvat_labels import FIGURE, NOBODY, PERSON, PERSON_BOX, figure_svg, label_definitions

DECIMALS = 2


def labels_path(annotations: Path) -> Path:
    """Where the label definitions of an XML file lie: x.labels.json next to x.xml."""
    return annotations.with_name(f"{annotations.stem}.labels.json")


def write_cvat(annotations: Path, people: People, images: Images, folder: Path) -> Written:
    """Write the XML and its label definitions; names are relative to `folder`."""
    rows = images.rows_of(people.image_id)
    root = Element("annotations")
    SubElement(root, "version").text = "1.1"
    _add_meta(root, annotations.stem, len(images))
    for row, name in enumerate(relative_names(images, folder)):
        size = {"width": str(images.width[row]), "height": str(images.height[row])}
        image = SubElement(root, "image", {"id": str(row), "name": name, **size})
        for person in np.flatnonzero(rows == row).tolist():
            _add_person(image, people, person)
    indent(root)
    with atomic_path(annotations) as partial:
        ElementTree(root).write(partial, encoding="utf-8", xml_declaration=True)
    write_json(labels_path(annotations), label_definitions())
    lost = lost_fields(people, kept={"track_id", "score", "annotator"})
    groups = int((images.group != "").sum())
    return Written(len(people), len(images), lost | ({"groups of images": groups} if groups else {}))


def _add_person(image: Element, people: People, row: int) -> None:
    group = str(row + 1)
    left, top, width, height = people.bbox_xywh_px[row].astype(np.float64).tolist()
    corners = {"xtl": left, "ytl": top, "xbr": left + width, "ybr": top + height}
    stated = {name: f"{value:.{DECIMALS}f}" for name, value in corners.items()}
    shared = {"source": "file", "z_order": "0", "group_id": group}
    SubElement(image, "box", {"label": PERSON_BOX, "occluded": "0", **stated, **shared})
    skeleton = SubElement(image, "skeleton", {"label": PERSON, **shared})
    points, flags = points_of(people, row).tolist(), people.visibility[row].tolist()
    for name, (x, y), flag in zip(COCO_KEYPOINTS, points, flags, strict=True):
        state = {"outside": str(int(flag == UNLABELLED)), "occluded": str(int(flag == OCCLUDED))}
        place = f"{x:.{DECIMALS}f},{y:.{DECIMALS}f}"
        SubElement(skeleton, "points", {"label": name, "source": "file", **state, "points": place})
    for name, text in _attributes(people, row).items():
        SubElement(skeleton, "attribute", {"name": name}).text = text


def points_of(people: People, row: int) -> NDArray[np.float64]:
    """The joints (17, 2) of a person, counted from the corner; unlabelled ones lie as the figure's do in the box."""
    box = people.bbox_xywh_px[row].astype(np.float64)
    figure = box[:2] + np.array(FIGURE) / 100 * box[2:]
    return np.where((people.visibility[row] > UNLABELLED)[:, None], to_corner(people.keypoints_px[row]), figure)


def _attributes(people: People, row: int) -> Mapping[str, str]:
    """What the person carries besides its joints, as texts."""
    attributes = {"id": str(row + 1)}
    if people.track_id[row] != -1:
        attributes["track_id"] = str(int(people.track_id[row]))
    if people.score[row] != 1:
        attributes["score"] = f"{float(people.score[row]):.6g}"
    annotator: Any = people.extras["annotator"][row] if "annotator" in people.extras else None
    return attributes | ({"annotator": str(annotator)} if annotator else {})


def _add_meta(root: Element, name: str, size: int) -> None:
    """The labels, for readers that take them from here; CVAT's own importer skips this part."""
    task = SubElement(SubElement(root, "meta"), "task")
    for key, text in {"name": name, "size": str(size), "mode": "annotation"}.items():
        SubElement(task, key).text = text
    labels = SubElement(task, "labels")
    kinds = [(PERSON, "skeleton", ""), *((joint, "points", PERSON) for joint in COCO_KEYPOINTS)]
    for label, kind, parent in (*kinds, (PERSON_BOX, "rectangle", ""), (NOBODY, "tag", "")):
        record = SubElement(labels, "label")
        SubElement(record, "name").text = label
        SubElement(record, "type").text = kind
        SubElement(record, "attributes")
        if kind == "skeleton":
            SubElement(record, "svg").text = figure_svg()
        if parent:
            SubElement(record, "parent").text = parent
