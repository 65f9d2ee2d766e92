"""Boxes that another detector wrote to a file: COCO JSON, a COCO results list, or MOTChallenge's text.

- COCO JSON: images with `frame`, the index in the film from 0; annotations of people need a `bbox`, and no keypoints.
- A results list, as COCO's evaluation takes it: `[{"image_id": ..., "category_id": 1, "bbox": [...], "score": ...}]`.
  `image_id` is the index of the frame from 0, since a list has no images that could name it.
- MOTChallenge (`det.txt`, `gt.txt`): lines `frame,id,left,top,width,height,score,...`, of which frames and pixels count
  from 1 (Dendorfer et al., "MOT20: A benchmark for multi object tracking in crowded scenes", 2020, section 5). In the
  ground truth, lines of nine columns, the flag must be 1 and the class a person's. Track ids are not read.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dataengine.coco_json import read_people_file
from dataengine.errors import InputError
from dataengine.files import read_json
from dataengine.formats.reading.categories import is_people

MOT_SUFFIXES = (".txt", ".csv")
MOT_COLUMNS, MOT_TRUTH_COLUMNS = 7, 9
MOT_PEOPLE = (1, 2, 7)  # pedestrian, person on a vehicle, static person
COCO_PERSON = 1


@dataclass(frozen=True, eq=False)
class FileBoxes:
    """n boxes of people in the frames of one film, none of them empty."""

    frame: NDArray[np.int64]
    """(n,) index in the film, from 0."""
    boxes_xywh_px: NDArray[np.float64]
    """(n, 4) from edge to edge."""
    score: NDArray[np.float64]
    """(n,) the detector's own; 1 where it says none."""
    film: str = ""
    """Its name in the file; "" where the file has none."""


def read_boxes(path: Path) -> FileBoxes:
    """The boxes of a file of one of the three kinds; the name's ending .txt or .csv means MOTChallenge's.

    Raises:
        InputError: the file is malformed, or its images have no frame index or are of several films.
    """
    if path.suffix.lower() in MOT_SUFFIXES:
        return _of_mot(path)
    document = read_json(path)
    try:
        return _of_results(document) if isinstance(document, list) else _of_coco(path, document)
    except (KeyError, TypeError, ValueError, AttributeError, OverflowError) as error:
        got = f"missing key {error}" if isinstance(error, KeyError) else str(error)
        expected = "COCO JSON, a COCO results list, or MOTChallenge's text in a .txt"
        raise InputError(f"{path} holds no boxes", expected=expected, got=got) from error


def _of_coco(path: Path, document: Mapping[str, Any]) -> FileBoxes:
    read = read_people_file(path)
    people, images = read.people, read.images
    if len(images) and (images.frame < 0).all():
        raise InputError(f"{path} names no frames", expected='images with "frame", the index in the film')
    films = np.unique(images.video[images.frame >= 0]).tolist()
    if len(films) > 1:
        got = f"{len(films)}: {', '.join(films[:3])}"
        raise InputError(f"{path} has frames of several films", expected="one film in a file", got=got)
    names = {each["id"]: is_people(each.get("name"), each.get("supercategory")) for each in document["categories"]}
    lone = [
        each
        for each in document["annotations"]
        if not each.get("keypoints") and not each.get("iscrowd") and names.get(each["category_id"])
    ]
    lone_frame = images.frame[images.rows_of(np.array([each["image_id"] for each in lone], dtype=np.int64))]
    return _usable(
        np.concatenate([images.frame[images.rows_of(people.image_id)], lone_frame]),
        np.concatenate([people.bbox_xywh_px, _boxes([each["bbox"] for each in lone])]),
        np.concatenate([people.score, _scores([each.get("score", 1.0) for each in lone])]),
        films[0] if films else "",
    )


def _of_results(records: list[Mapping[str, Any]]) -> FileBoxes:
    people = [each for each in records if each.get("category_id", COCO_PERSON) == COCO_PERSON]
    frame = np.array([each["image_id"] for each in people], dtype=np.float64)
    boxes = _boxes([each["bbox"] for each in people])
    return _usable(_whole(frame), boxes, _scores([each.get("score", 1.0) for each in people]))


def _of_mot(path: Path) -> FileBoxes:
    expected = "lines of frame,id,left,top,width,height,score and more, with frames from 1"
    try:
        lines = [line for line in path.read_text(encoding="utf-8").splitlines() if line.strip()]
        rows = [[float(value) for value in line.split(",")] for line in lines]
        widths = {len(row) for row in rows} or {MOT_COLUMNS}
        if len(widths) > 1 or min(widths) < MOT_COLUMNS:
            raise ValueError(f"lines of {' and '.join(map(str, sorted(widths)))} numbers")
        table = np.array(rows, dtype=np.float64).reshape(-1, widths.pop())
        if table.shape[1] == MOT_TRUTH_COLUMNS:
            table = table[(table[:, 6] == 1) & np.isin(table[:, 7], MOT_PEOPLE)]
        boxes = table[:, 2:6] - [1, 1, 0, 0]
        return _usable(_whole(table[:, 0] - 1), boxes, table[:, 6])
    except (OSError, ValueError) as error:
        raise InputError(f"{path} is not in MOTChallenge's format", expected=expected, got=str(error)) from error


def _boxes(stated: list[Any]) -> NDArray[np.float64]:
    return np.array(stated, dtype=np.float64).reshape(len(stated), 4)


def _scores(stated: list[Any]) -> NDArray[np.float64]:
    return np.array(stated, dtype=np.float64).reshape(len(stated))


def _whole(frame: NDArray[np.float64]) -> NDArray[np.int64]:
    odd = frame[~((frame >= 0) & (frame < 2**53) & (frame == np.floor(frame)))]
    if len(odd):
        raise ValueError(f"frame {odd[0]:g} is not the index of one")
    return frame.astype(np.int64)


def _usable(
    frame: NDArray[np.int64], boxes: NDArray[np.floating], score: NDArray[np.floating], film: str = ""
) -> FileBoxes:
    if not np.isfinite(boxes).all() or not np.isfinite(score).all():
        raise ValueError("a box or score that is not a finite number")
    kept = (boxes[:, 2:] > 0).all(axis=1)
    return FileBoxes(frame[kept], boxes[kept].astype(np.float64), score[kept].astype(np.float64), film)
