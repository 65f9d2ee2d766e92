"""`People` and `Images` on disk: COCO person_keypoints JSON that pycocotools loads unchanged.

Our own fields (score, weight, source, track_id, extras; video, frame, time_s, group) are extra keys, which COCO readers
ignore. Written deterministically: the same people give the same bytes. `file_name` is relative to the JSON's folder.
"""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dataengine.coco_reading import annotated_people
from dataengine.dvc_cache.enclosure import Enclosure
from dataengine.errors import InputError
from dataengine.files import read_json, write_json
from dataengine.formats.reading.content import ReaderNotes, Reject, need, shown
from dataengine.formats.reading.integers import whole_numbers
from dataengine.formats.reading.plain_fields import real_numbers, texts
from dataengine.keypoints import COCO_KEYPOINTS, COCO_SKELETON, UNLABELLED
from dataengine.people import Images, People
from dataengine.person_scale import with_area
from dataengine.terminal.speech import say

PERSON_CATEGORY: dict[str, Any] = {
    "id": 1,
    "name": "person",
    "supercategory": "person",
    "keypoints": list(COCO_KEYPOINTS),
    "skeleton": [[a + 1, b + 1] for a, b in COCO_SKELETON],  # COCO counts joints from 1
}
_COORDINATE_DECIMALS = 3
_TIME_DECIMALS = 6


def write_people(path: Path, people: People, images: Images, *, info: dict[str, Any] | None = None) -> None:
    """Write `people` and `images` to `path`, atomically.

    Columns `area`, `iscrowd` and `segmentation` of `people.extras` become the COCO keys of the same name; where absent,
    area is `person_scale.person_area` and iscrowd 0. Annotation ids count from 1 in the order of `people`.
    """
    write_json(path, people_document(path.parent, people, images, info=info))


def people_document(
    folder: Path, people: People, images: Images, *, info: dict[str, Any] | None = None
) -> dict[str, Any]:
    """What `write_people` writes to a file in `folder`."""
    images.rows_of(people.image_id)  # every person stands in a known image
    people = with_area(people)
    return {
        "info": info or {},
        "images": [_image_record(images, row, folder) for row in range(len(images))],
        "categories": [PERSON_CATEGORY],
        "annotations": [_annotation_record(people, row) for row in range(len(people))],
    }


@dataclass(frozen=True, eq=False, kw_only=True)
class PeopleFile:
    """What a file of people holds."""

    people: People
    images: Images
    notes: ReaderNotes
    """Annotations passed over, and what the file does not say."""
    dropped_joints: Mapping[str, int]
    """Labelled joints that COCO-17 has not, by name."""

    def lines(self) -> list[str]:
        """Lines for the user about it; none of a file of our own."""
        dropped = ", ".join(f"{name} {count}" for name, count in self.dropped_joints.items())
        return [*self.notes.lines(), *([f"dropped joints: {dropped}"] if dropped else [])]


def read_people(path: Path, *, root: Path | None = None) -> tuple[People, Images]:
    """The people and images of `read_people_file`; what it passed over or took for granted is said."""
    read = read_people_file(path, root=root)
    for line in read.lines():
        say(f"{path}: {line}")
    return read.people, read.images


def read_people_file(path: Path, *, root: Path | None = None) -> PeopleFile:
    """Read a file in the form `write_people` writes (any well-formed COCO-17 person_keypoints file is).

    Joints are taken by the names that the category gives them. Other categories, and annotations of people without
    `keypoints`, are passed over and counted; a crowd with keypoints stays, with column `iscrowd`. A person without a
    box gets that of its joints.

    Image paths must stay inside `root`, by default the JSON's own folder: see `Enclosure`. A malformed file is an
    `InputError`; other people's files are read record by record, with quarantine, in `dataengine/formats/coco.py`.
    """
    document = read_json(path)
    try:
        images = _read_images(document["images"], path.parent, root or path.parent)
        people, notes, dropped = annotated_people(document, path, images)
    except Reject as error:
        raise InputError(f"{path} is not COCO person_keypoints JSON", got=str(error)) from error
    except (KeyError, TypeError, ValueError, AttributeError, OverflowError) as error:
        got = f"a record without the key {error}" if isinstance(error, KeyError) else str(error)
        expected = "lists of images, categories and annotations, each record an object"
        raise InputError(f"{path} is not COCO person_keypoints JSON", expected=expected, got=got) from error
    return PeopleFile(people=people, images=images, notes=notes, dropped_joints=dropped)


def read_project_people(path: Path) -> tuple[People, Images]:
    """`read_people` of a file that a stage wrote: its images may lie anywhere in the project, the working folder."""
    return read_people(path, root=Path.cwd())


def _image_record(images: Images, row: int, folder: Path) -> dict[str, Any]:
    record: dict[str, Any] = {
        "id": int(images.id[row]),
        "file_name": Path(os.path.relpath(str(images.path[row]), folder)).as_posix(),
        "width": int(images.width[row]),
        "height": int(images.height[row]),
    }
    if images.video[row]:
        record |= {"video": str(images.video[row]), "frame": int(images.frame[row])}
    if np.isfinite(images.time_s[row]):
        record["time_s"] = round(float(images.time_s[row]), _TIME_DECIMALS)
    if images.group[row]:
        record["group"] = str(images.group[row])
    return record


def _annotation_record(people: People, row: int) -> dict[str, Any]:
    labelled = people.visibility[row] > UNLABELLED
    points = np.where(labelled[:, None], people.keypoints_px[row], 0.0)
    triples = np.concatenate([_rounded(points), people.visibility[row][:, None].astype(np.float64)], axis=1)
    box = _rounded(people.bbox_xywh_px[row])
    record: dict[str, Any] = {
        "id": row + 1,
        "image_id": int(people.image_id[row]),
        "category_id": 1,
        "bbox": box.tolist(),
        "iscrowd": 0,
        "keypoints": [int(v) if i % 3 == 2 else v for i, v in enumerate(triples.ravel().tolist())],
        "num_keypoints": int(labelled.sum()),
        "score": round(float(people.score[row]), 6),
        "weight": round(float(people.weight[row]), 6),
        "source": str(people.source[row]),
        "track_id": int(people.track_id[row]),
    }
    return record | {name: _plain(column[row]) for name, column in people.extras.items() if column[row] is not None}


def _rounded(values: NDArray[Any]) -> NDArray[np.float64]:
    # rounding after the cast to float64 keeps 12.1 from becoming 12.100000381
    return np.asarray(np.round(values.astype(np.float64), _COORDINATE_DECIMALS), dtype=np.float64)


def _plain(value: Any) -> Any:
    """A JSON value for one cell of an extra column."""
    if isinstance(value, np.ndarray):
        return value.tolist()
    return value.item() if isinstance(value, np.generic) else value


def _read_images(records: list[dict[str, Any]], folder: Path, root: Path) -> Images:
    enclosure = Enclosure(root)
    for record in records:
        need(isinstance(record["file_name"], str), f"file_name is {shown(record['file_name'])}, not a text")
    paths = [os.path.normpath(folder / record["file_name"]) for record in records]
    for record, path in zip(records, paths, strict=True):
        if path not in enclosure:
            raise InputError(
                f"image path {record['file_name']!r} leaves its folder",
                expected=f"a path inside {root}",
                got=os.path.realpath(path),
            )
    return Images.build(
        id=whole_numbers("id", [record["id"] for record in records]),
        path=paths,
        width=_sides_px("width", records),
        height=_sides_px("height", records),
        video=texts("video", [record.get("video") for record in records]),
        frame=whole_numbers("frame", [_or(-1, record.get("frame")) for record in records]),
        time_s=real_numbers("time_s", [_or(np.nan, record.get("time_s")) for record in records]),
        group=texts("group", [record.get("group") for record in records]),
    )


def _or(absent: float, value: Any) -> Any:
    """null, as many tools write what is not known, as well as no such key."""
    return absent if value is None else value


def _sides_px(name: str, records: list[dict[str, Any]]) -> NDArray[np.int64]:
    """The images' widths or heights. A side of 0 would cut every box to nothing, and no share of it is a number."""
    sides = whole_numbers(name, [record[name] for record in records])
    for record, side in zip(records, sides.tolist(), strict=True):
        need(side > 0, f"{name} of image {shown(record['id'])} is {side}, not 1 or more pixels")
    return sides
