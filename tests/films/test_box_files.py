"""Boxes of other detectors, in each of the kinds of files, good and bad."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from dataengine.errors import InputError
from dataengine.films.box_files import read_boxes
from dataengine.films.detectors import BoxesOfFile

PICTURE = np.zeros((60, 80, 3), np.uint8)
CATEGORIES = [{"id": 4, "name": "person"}, {"id": 9, "name": "dog"}]


def written(path: Path, document: Any) -> Path:
    path.write_text(document if isinstance(document, str) else json.dumps(document))
    return path


def coco(annotations: list[dict[str, Any]], **image: Any) -> dict[str, Any]:
    images = [
        {"id": 70 + frame, "file_name": f"{frame}.jpg", "width": 80, "height": 60, "frame": frame, "video": "walk"}
        | image
        for frame in range(3)
    ]
    return {"images": images, "categories": CATEGORIES, "annotations": annotations}


def test_coco_boxes_need_no_keypoints(tmp_path: Path) -> None:
    """Only people count, and only boxes that enclose something."""
    annotations = [
        {"id": 1, "image_id": 70, "category_id": 4, "bbox": [1, 2, 10, 20], "score": 0.9},
        {"id": 2, "image_id": 70, "category_id": 9, "bbox": [1, 2, 30, 20], "score": 0.9},
        {"id": 3, "image_id": 72, "category_id": 4, "bbox": [5, 6, 7, 8], "score": 0.2},
        {"id": 4, "image_id": 72, "category_id": 4, "bbox": [5, 6, 0, 8], "score": 0.9},
        {"id": 5, "image_id": 71, "category_id": 4, "bbox": [0, 0, 80, 60], "iscrowd": 1},
    ]
    path = written(tmp_path / "boxes.json", coco(annotations))
    every, sure = BoxesOfFile(path), BoxesOfFile(path, least_score=0.5)
    assert [every.boxes(index, PICTURE).tolist() for index in range(3)] == [[[1, 2, 10, 20]], [], [[5, 6, 7, 8]]]
    assert [sure.boxes(index, PICTURE).tolist() for index in range(3)] == [[[1, 2, 10, 20]], [], []]
    assert every.film == "walk"


def test_a_results_list_counts_frames_from_0(tmp_path: Path) -> None:
    results = [
        {"image_id": 0, "category_id": 1, "bbox": [1, 2, 3, 4], "score": 0.7},
        {"image_id": 5, "category_id": 1, "bbox": [5, 6, 7, 8], "score": 0.3},
        {"image_id": 5, "category_id": 3, "bbox": [5, 6, 70, 8], "score": 0.8},
    ]
    found = read_boxes(written(tmp_path / "results.json", results))
    assert found.frame.tolist() == [0, 5] and found.score.tolist() == [0.7, 0.3]
    assert found.boxes_xywh_px.tolist() == [[1, 2, 3, 4], [5, 6, 7, 8]]


def test_mot_counts_frames_and_pixels_from_1(tmp_path: Path) -> None:
    detections = written(tmp_path / "det.txt", "1,-1,11,21,30,40,53.8,-1,-1,-1\n3,-1,1,1,5.5,6,-0.2,-1,-1,-1\n\n")
    found = read_boxes(detections)
    assert found.frame.tolist() == [0, 2] and found.score.tolist() == [53.8, -0.2]
    assert found.boxes_xywh_px.tolist() == [[10, 20, 30, 40], [0, 0, 5.5, 6]]
    truth = written(tmp_path / "gt.txt", "1,1,11,21,30,40,1,1,0.5\n1,2,11,21,30,40,0,1,1\n1,3,11,21,30,40,1,3,1\n")
    assert read_boxes(truth).boxes_xywh_px.tolist() == [[10, 20, 30, 40]], "not ignored, and not a car"


@pytest.mark.parametrize(
    ("name", "document", "says"),
    [
        ("a.txt", "1,-1,1,1,5\n", "lines of 5 numbers"),
        ("a.txt", "1,-1,1,1,5,5,1\n1,-1,1,1,5,5,1,2\n", "lines of 7 and 8"),
        ("a.txt", "0,-1,1,1,5,5,1\n", "frame -1 is not"),
        ("a.txt", "one,-1,1,1,5,5,1\n", "could not convert"),
        ("a.txt", "1,-1,nan,1,5,5,1\n", "finite"),
        ("a.json", [{"image_id": 0, "bbox": [1, 2, 3]}], "reshape"),
        ("a.json", [{"bbox": [1, 2, 3, 4]}], "missing key 'image_id'"),
        ("a.json", [3], "holds no boxes"),
        ("a.json", "{", "a.json"),
        ("a.json", coco([{"id": 1, "image_id": 70, "category_id": 4}]), "missing key 'bbox'"),
        ("a.json", coco([], frame=-1), "names no frames"),
        ("missing.txt", None, "No such file"),
    ],
)
def test_what_holds_no_boxes_is_one_line(tmp_path: Path, name: str, document: Any, says: str) -> None:
    if document is not None:
        written(tmp_path / name, document)
    with pytest.raises(InputError, match=says) as caught:
        read_boxes(tmp_path / name)
    assert "\n" not in str(caught.value)


def test_an_empty_mot_file_has_no_boxes(tmp_path: Path) -> None:
    assert len(read_boxes(written(tmp_path / "det.txt", "")).frame) == 0


def test_boxes_beside_the_picture_show_nobody(tmp_path: Path) -> None:
    """Boxes of a larger film, or moved: only what lies in the picture, or partly, is somebody."""
    boxes = [[5, 6, 7, 8], [70, 50, 40, 40], [-5, 0, 6, 6], [80, 0, 9, 9], [0, 60, 9, 9], [-9, 0, 9, 9], [0, -99, 9, 9]]
    records = [{"image_id": 0, "category_id": 1, "bbox": box} for box in boxes]
    found = BoxesOfFile(written(tmp_path / "boxes.json", json.dumps(records))).boxes(0, PICTURE)
    assert found.tolist() == boxes[:3]
    assert BoxesOfFile(tmp_path / "boxes.json").boxes(1, PICTURE).shape == (0, 4)
