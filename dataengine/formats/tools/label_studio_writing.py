"""Label Studio's tasks of people, and the labelling config that a project needs to show them.

As annotations, or as predictions: what annotators start from, and no label until they submit it. Each joint is tied to
its person's rectangle by `parentID`; flag 1 is a choice of the joint, and joints of flag 0 are left out. A prediction
has the mean score of its people. Label Studio refuses a whole file for one place beyond 100 per cent: rectangles larger
than the picture are cut to it, and joints outside are left out.

Pictures are files that Label Studio serves itself: their paths begin with the name of the pictures' folder, so the
folder that it lies in is the one to serve.
"""

from pathlib import Path
from typing import Any
from urllib.parse import quote
from xml.etree import ElementTree

import numpy as np
from numpy.typing import NDArray

from dataengine.boxes import clip_boxes
from dataengine.files import atomic_path, write_json
from dataengine.geometry.pixel_grid import to_corner
from dataengine.keypoints import COCO_KEYPOINTS, OCCLUDED, UNLABELLED
from dataengine.people import Images, People

from ..writing import Written, lost_fields, relative_names
from .label_studio_tasks import NOBODY

CONFIG_SUFFIX = ".config.xml"
LOCAL_FILES = "/data/local-files/?d="
MODEL = "dataengine"
_SIDE_COLOURS = {"left": "#1f77b4", "right": "#ff7f0e"}
_MIDDLE_COLOUR = "#2ca02c"


def write_label_studio(annotations: Path, people: People, images: Images, folder: Path) -> Written:
    """Write people as annotations, and next to the file the config, as `config_path` names it."""
    return _write(annotations, people, images, folder, "annotations")


def write_predictions(annotations: Path, people: People, images: Images, folder: Path) -> Written:
    """Write people as predictions."""
    return _write(annotations, people, images, folder, "predictions")


def config_path(annotations: Path) -> Path:
    """Where the labelling config of a file lies: x.config.xml next to x.json."""
    return annotations.with_name(f"{annotations.stem}{CONFIG_SUFFIX}")


def labelling_config() -> str:
    """The labelling interface: rectangles of people, their joints in COCO's order, occlusion, and nobody."""
    view = ElementTree.Element("View")
    ElementTree.SubElement(view, "Image", {"name": "image", "value": "$image", "zoom": "true"})
    boxes = ElementTree.SubElement(view, "RectangleLabels", {"name": "person", "toName": "image"})
    ElementTree.SubElement(boxes, "Label", {"value": "person"})
    joints = ElementTree.SubElement(view, "KeyPointLabels", {"name": "joint", "toName": "image"})
    for number, name in enumerate(COCO_KEYPOINTS):
        colour = _SIDE_COLOURS.get(name.split("_")[0], _MIDDLE_COLOUR)
        ElementTree.SubElement(joints, "Label", {"value": name, "model_index": str(number), "background": colour})
    flags = {"name": "flag", "toName": "image", "perRegion": "true", "whenTagName": "joint", "choice": "single"}
    choices = ElementTree.SubElement(view, "Choices", flags)
    for word in ("occluded", "unlabelled"):
        ElementTree.SubElement(choices, "Choice", {"value": word})
    picture = ElementTree.SubElement(view, "Choices", {"name": "picture", "toName": "image", "choice": "single"})
    ElementTree.SubElement(picture, "Choice", {"value": NOBODY})
    ElementTree.indent(view)
    return ElementTree.tostring(view, encoding="unicode") + "\n"


def _write(annotations: Path, people: People, images: Images, folder: Path, kind: str) -> Written:
    names = [f"{folder.name}/{name}" for name in relative_names(images, folder)]
    of_image = images.rows_of(people.image_id)
    people, outside = _within(people, np.stack([images.width[of_image], images.height[of_image]], axis=1))
    tasks = []
    for row, name in enumerate(names):
        persons = np.flatnonzero(of_image == row).tolist()
        size = int(images.width[row]), int(images.height[row])
        regions = [region for person in persons for region in _regions(people, person, size)]
        answer: dict[str, Any] = {"result": regions}
        if kind == "predictions":
            score = float(np.clip(people.score[persons].mean(), 0.0, 1.0)) if persons else 0.0
            answer |= {"model_version": MODEL, "score": round(score, 6)}
        answers = [answer] if regions else []
        tasks.append({"id": row + 1, "data": {"image": f"{LOCAL_FILES}{quote(name)}"}, kind: answers})
    write_json(annotations, tasks)
    with atomic_path(config_path(annotations)) as partial:
        partial.write_text(labelling_config(), encoding="utf-8")
    lost = {"groups of images": int((images.group != "").sum()), **outside}
    return Written(len(people), len(images), lost_fields(people) | {what: n for what, n in lost.items() if n})


def _within(people: People, sizes: NDArray[np.int64]) -> tuple[People, dict[str, int]]:
    """What Label Studio takes of people in pictures of (width, height) `sizes` (n, 2), and how much it does not."""
    boxes = people.bbox_xywh_px.astype(np.float64)
    large = (boxes > np.tile(sizes, 2)).any(axis=1, keepdims=True)
    boxes = np.where(large, clip_boxes(boxes, sizes, least_px=1), boxes)
    corner = to_corner(people.keypoints_px)
    outside = ((corner < 0) | (corner > sizes[:, None])).any(axis=-1) & (people.visibility > UNLABELLED)
    flags = np.where(outside, UNLABELLED, people.visibility).astype(np.uint8)
    taken = people.replace(bbox_xywh_px=boxes.astype(np.float32), visibility=flags)
    return taken, {"boxes larger than the image": int(large.sum()), "joints outside the image": int(outside.sum())}


def _regions(people: People, row: int, size: tuple[int, int]) -> list[dict[str, Any]]:
    person = f"person-{row + 1}"
    x, y, width, height = people.bbox_xywh_px[row].astype(float).tolist()
    box = {**_percent(size, x=x, y=y, width=width, height=height), "rotation": 0}
    regions = [_region(person, "rectanglelabels", "person", box, size, ["person"])]
    points, flags = to_corner(people.keypoints_px[row].astype(float)).tolist(), people.visibility[row].tolist()
    for name, (px, py), flag in zip(COCO_KEYPOINTS, points, flags, strict=True):
        if flag == UNLABELLED:
            continue
        place = {**_percent(size, x=px, y=py), "width": 0.4}
        key = f"{person}-{name}"
        regions.append(_region(key, "keypointlabels", "joint", place, size, [name]) | {"parentID": person})
        if flag == OCCLUDED:
            regions.append(_region(key, "choices", "flag", place, size, ["occluded"]))
    return regions


def _percent(size: tuple[int, int], **pixels: float) -> dict[str, float]:
    sides = {"x": size[0], "width": size[0], "y": size[1], "height": size[1]}
    return {name: 100 * value / sides[name] for name, value in pixels.items()}


def _region(
    key: str, kind: str, control: str, value: dict[str, Any], size: tuple[int, int], labels: list[str]
) -> dict[str, Any]:
    return {
        **{"id": key, "type": kind, "from_name": control, "to_name": "image", "value": {**value, kind: labels}},
        **{"original_width": size[0], "original_height": size[1], "image_rotation": 0},
    }
