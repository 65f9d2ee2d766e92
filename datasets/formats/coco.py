"""Other people's COCO keypoints, record by record: what is bad is set aside with a reason, never dropped in silence.

`read_coco` returns what is usable, what is bad, and how many records hold nothing to learn from (no labelled joint, or
a crowd), so that records in = kept + quarantined + without labels.
"""

import math
import os
import warnings
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from dataengine.errors import InputError
from dataengine.files import read_json
from dataengine.parallel import parallel_map
from dataengine.people import JOINTS, Images, People

VALUES = 3 * JOINTS
LARGEST_IMAGE_PIXELS = 50_000_000  # a decompression bomb is refused by its header
OUTSIDE_TOLERANCE_PX = 1.0


@dataclass(frozen=True)
class BadRecord:
    """One record that cannot be used."""

    file: str
    """The annotation file, or the image it names."""
    table: str
    """`images` or `annotations`."""
    id: str
    """The record's id as written, or its position when it has none."""
    reason: str

    def as_json(self) -> dict[str, str]:
        """For quarantine.json."""
        return asdict(self)


@dataclass(frozen=True, eq=False)
class CocoContent:
    """What a COCO file held."""

    people: People
    images: Images
    """Every readable image, also those without people."""
    bad: list[BadRecord]
    records: int
    """Images and annotations in the file."""
    without_labels: int
    """Annotations without a labelled joint, and crowds: fine, but nothing to learn from."""


class _Reject(Exception):
    """Why a record is bad."""


def read_coco(annotations: Path, folder: Path) -> CocoContent:
    """Read and check a COCO person_keypoints file whose `file_name`s are relative to `folder`.

    Raises `InputError` only when the file as a whole is not COCO keypoints.
    """
    document = read_json(annotations)
    if not isinstance(document, dict) or not all(isinstance(document.get(k), list) for k in ("images", "annotations")):
        raise InputError(f"{annotations} is not COCO", expected="an object with the lists images and annotations")
    if not folder.is_dir():
        raise InputError(
            f"{folder} is not a folder", expected="the folder of the images", mend="set ingest.coco_images"
        )
    categories = _keypoint_categories(document.get("categories"), annotations)
    bad: list[BadRecord] = []
    images = _read_images(document["images"], folder, annotations, bad)
    rows, without_labels = [], 0
    seen: set[Any] = set()
    for position, record in enumerate(document["annotations"]):
        try:
            row = _person(record, images, categories, seen)
        except _Reject as reason:
            identity = record.get("id", f"#{position}") if isinstance(record, dict) else f"#{position}"
            bad.append(BadRecord(str(annotations), "annotations", str(identity), str(reason)))
            continue
        if row is None:
            without_labels += 1
        else:
            rows.append(row)
    kept = list(images.values())
    return CocoContent(
        people=_people(rows),
        images=Images.build(
            id=[image["id"] for image in kept],
            path=[str(folder / image["file_name"]) for image in kept],
            width=[image["width"] for image in kept],
            height=[image["height"] for image in kept],
            video=np.array([str(image.get("video", "")) for image in kept], dtype=str),
            frame=[image["frame"] if isinstance(image.get("frame"), int) else -1 for image in kept],
        ),
        bad=bad,
        records=len(document["images"]) + len(document["annotations"]),
        without_labels=without_labels,
    )


def _keypoint_categories(categories: Any, annotations: Path) -> set[Any]:
    listed = [category for category in categories or [] if isinstance(category, dict)]
    people = {c.get("id") for c in listed if len(c.get("keypoints", ())) == JOINTS or c.get("name") == "person"}
    if not people:
        expected = f"a category 'person' with {JOINTS} keypoints"
        raise InputError(f"{annotations} has no people", expected=expected, got=f"{len(listed)} other categories")
    return people


def _read_images(
    records: list[Any], folder: Path, annotations: Path, bad: list[BadRecord]
) -> dict[Any, dict[str, Any]]:
    """Readable images by id; the others go to `bad`."""
    accepted: dict[Any, dict[str, Any]] = {}
    repeated: set[Any] = set()
    for position, record in enumerate(records):
        try:
            _check_image_record(record, folder)
            if record["id"] in accepted:
                repeated.add(record["id"])
                raise _Reject("this image id stands in the file more than once")
            accepted[record["id"]] = record
        except _Reject as reason:
            identity = record.get("id", f"#{position}") if isinstance(record, dict) else f"#{position}"
            bad.append(BadRecord(str(annotations), "images", str(identity), str(reason)))
    for identity in repeated:  # which of the two the annotations mean cannot be known
        first = accepted.pop(identity)
        bad.append(
            BadRecord(first["file_name"], "images", str(identity), "this image id stands in the file more than once")
        )
    paths = [str(folder / record["file_name"]) for record in accepted.values()]
    sizes = parallel_map(image_size, paths, description="check images", workers=None if len(paths) > 500 else 1)
    for record, found in zip(list(accepted.values()), sizes, strict=True):
        stated = (record["width"], record["height"])
        if isinstance(found, str) or found != stated:
            fault = found if isinstance(found, str) else f"stated {stated[0]}x{stated[1]}, is {found[0]}x{found[1]}"
            bad.append(BadRecord(record["file_name"], "images", str(record["id"]), fault))
            del accepted[record["id"]]
    return accepted


def _check_image_record(record: Any, folder: Path) -> None:
    _need(isinstance(record, dict), "not an object")
    _need(_is_whole(record.get("id")), f"id is {record.get('id')!r}, not a whole number")
    name = record.get("file_name")
    _need(isinstance(name, str) and bool(name) and "\0" not in name, f"file_name is {name!r}")
    inside = os.path.realpath(folder)
    _need(
        not Path(name).is_absolute() and os.path.commonpath([inside, os.path.realpath(folder / name)]) == inside,
        f"file_name {name!r} leaves the image folder",
    )
    _need(
        all(_is_whole(record.get(k)) and record[k] > 0 for k in ("width", "height")), "width and height are not sizes"
    )


def image_size(path: str) -> tuple[int, int] | str:
    """(width, height) of an image that decodes to its last byte, or why it does not."""
    from PIL import Image, UnidentifiedImageError

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", Image.DecompressionBombWarning)  # judged by our own limit below
            with Image.open(path) as image:
                if image.width * image.height > LARGEST_IMAGE_PIXELS:
                    return f"{image.width}x{image.height} pixels are more than {LARGEST_IMAGE_PIXELS}"
                image.load()
                return image.width, image.height
    except FileNotFoundError:
        return "the image does not exist"
    except (OSError, UnidentifiedImageError, Image.DecompressionBombError, SyntaxError, ValueError) as error:
        return f"the image cannot be read: {str(error).splitlines()[0].removesuffix(repr(path))[:120]}"


def _person(
    record: Any, images: dict[Any, dict[str, Any]], categories: set[Any], seen: set[Any]
) -> dict[str, Any] | None:
    """The checked record, None when it has nothing to learn from. Raises `_Reject`."""
    _need(isinstance(record, dict), "not an object")
    identity = record.get("id")
    _need(_is_whole(identity), f"id is {identity!r}, not a whole number")
    _need(identity not in seen, "this annotation id stands in the file more than once")
    seen.add(identity)
    _need(
        any(record.get("category_id") == known for known in categories),
        f"category {record.get('category_id')!r} is not a person's",
    )
    image = images.get(record.get("image_id")) if _is_whole(record.get("image_id")) else None
    _need(image is not None, f"image {record.get('image_id')!r} is unknown or bad")
    keypoints, box = record.get("keypoints"), record.get("bbox")
    _need(isinstance(keypoints, list) and len(keypoints) == VALUES, f"keypoints are not {VALUES} numbers")
    _need(all(map(_is_finite, keypoints)), "a keypoint is not a finite number")
    _need(all(flag in (0, 1, 2) for flag in keypoints[2::3]), "a visibility is not 0, 1 or 2")
    _need(isinstance(box, list) and len(box) == 4 and all(map(_is_finite, box)), "bbox is not four finite numbers")
    x, y, width, height = box
    _need(width > 0 and height > 0, f"the box is empty: {width:g} x {height:g}")
    assert image is not None
    _need(
        x < image["width"] and y < image["height"] and x + width > 0 and y + height > 0,
        "the box lies outside the image",
    )
    labelled = [(u, v) for u, v, flag in zip(*[iter(keypoints)] * 3, strict=True) if flag > 0]
    far = OUTSIDE_TOLERANCE_PX
    _need(
        all(-far <= u <= image["width"] + far and -far <= v <= image["height"] + far for u, v in labelled),
        "a labelled joint lies outside the image",
    )
    return record if labelled and not record.get("iscrowd") else None


def _people(rows: list[dict[str, Any]]) -> People:
    triples = np.array([row["keypoints"] for row in rows], dtype=np.float64).reshape(len(rows), JOINTS, 3)
    boxes = np.array([row["bbox"] for row in rows], dtype=np.float64).reshape(len(rows), 4)
    area = [row["area"] if _is_finite(row.get("area")) else row["bbox"][2] * row["bbox"][3] for row in rows]
    return People.build(
        image_id=np.array([row["image_id"] for row in rows], dtype=np.int64),
        bbox_xywh_px=boxes,
        keypoints_px=triples[..., :2],
        visibility=triples[..., 2],
        extras={"area": np.array(area, dtype=np.float64), "source_id": np.array([row["id"] for row in rows], np.int64)},
    )


def _need(condition: bool, reason: str) -> None:
    if not condition:
        raise _Reject(reason)


def _is_whole(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and abs(value) < 2**63


def _is_finite(value: Any) -> bool:
    # float32 is what the labels are kept in: 1e308 is finite and still no coordinate
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value) and abs(value) < 1e9
