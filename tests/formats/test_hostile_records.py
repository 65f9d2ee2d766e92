"""Records that were made to hurt: each is refused in one line, and the good ones next to it survive."""

import json
import os
from pathlib import Path
from typing import Any

import pytest

from dataengine.format_table import FORMATS
from dataengine.formats.coco import read_coco
from dataengine.formats.reading.content import Limits

from .hostile_samples import bomb, good_document, written


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("../secret.png", "leaves the image folder"),
        ("sub/../../secret.png", "leaves the image folder"),
        ("/etc/passwd", "leaves the image folder"),
        ("..\\\\secret.png", "leaves the image folder"),
        (".", "leaves the image folder"),
        ("link.png", "leaves the image folder"),
        ("folder/secret.png", "leaves the image folder"),
        ("text", "cannot be read"),
        ("fifo", "not a file"),
        ("\\u0000.png", "file_name is"),
        ("\\ud800.png", "is not text"),
        ("x" * 5000, "file_name is"),
        ("y" * 300, "cannot be read"),
        ("bomb.png", "pixels are more than 50 million"),
        ("sub", "not a file"),
    ],
)
def test_a_file_name_that_would_harm_is_refused_alone(images: Path, name: str, reason: str) -> None:
    (images / "sub").mkdir()
    (images / "link.png").symlink_to(images.parent / "secret.png")
    (images / "folder").symlink_to(images.parent)
    (images / "text").write_bytes(b"not an image")
    os.mkfifo(images / "fifo")
    (images / "bomb.png").write_bytes(bomb(20_000, 20_000))
    text = json.dumps(good_document()).replace("1.png", name)
    content = read_coco(written(images, text), images)
    assert len(content.people) == 3
    assert len(content.bad) == 2
    (record,) = [record for record in content.bad if record.table == "images"]
    assert reason in record.reason
    assert "\n" not in record.reason
    assert len(record.file) + len(record.reason) < 400


def test_a_link_that_stays_inside_is_fine(images: Path) -> None:
    (images / "1.png").unlink()
    (images / "1.png").symlink_to(images / "2.png")
    assert len(read_coco(written(images, json.dumps(good_document())), images).people) == 4


@pytest.mark.parametrize(
    ("old", "new", "reason"),
    [
        ("11.0", "NaN", "not a finite number"),
        ("11.0", "-Infinity", "not a finite number"),
        ("11.0", "1e308", "not a finite number"),
        ("11.0", "1e999", "not a finite number"),
        ("11.0", "9" * 6000, "not a finite number"),
        ("11.0", "true", "not 51 numbers"),
        ("11.0", '"11"', "not 51 numbers"),
        ("11.0", "[[[]]]", "not 51 numbers"),
        ("11.0, 20.0, 2", "11.0, 20.0, 1.5", "a visibility is not 0, 1 or 2"),
        ("[5, 5, 40, 40]", "[5, 5, 1e308, 1e308]", "bbox is not four"),
        ("[5, 5, 40, 40]", "[5, 5, NaN, 4]", "bbox is not four"),
        ("[5, 5, 40, 40]", '{"x": 5}', "bbox is not four"),
        ('"id": 1, "image_id": 1', '"id": 1, "id": 77, "image_id": 1', "a key appears in the record more than once"),
        ('"id": 1, "image_id": 1', f'"id": {"1" * 25}, "image_id": 1', "not a whole number"),
        ('"id": 1, "image_id": 1', '"id": 1, "image_id": "1"', "unknown or bad"),
        ('"id": 1, "image_id": 1', f'"id": {"[" * 700 + "]" * 700}, "image_id": 1', "id is a list"),
        ('"id": 1, "image_id": 1', '"id": 1, "image_id": true', "unknown or bad"),
        ('"id": 1, "image_id": 1, "category_id": 1', '"id": 1, "image_id": 1, "category_id": {}', "is unknown"),
    ],
)
def test_one_hostile_annotation_loses_no_other(images: Path, old: str, new: str, reason: str) -> None:
    document = good_document()
    texts = [json.dumps(record) for record in document.pop("annotations")]
    texts[1] = texts[1].replace(old, new, 1)
    text = json.dumps(document)[:-1] + ', "annotations": [' + ", ".join(texts) + "]}"
    content = read_coco(written(images, text), images)
    assert len(content.people) == 3
    assert [reason in record.reason for record in content.bad] == [True], content.bad
    assert len(content.bad[0].reason) < 200


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ("0 0.5 0.5 0.2", "4 columns"),
        ("0 " + "0.5 " * 54, "55 columns"),
        ("0 " + "0.5 " * 57, "58 columns"),
        ("0 0.5 0.5 0.2 0.2 " + "0.5 0.5 x " * 17, "not a number"),
        ("0 0.5 0.5 0.2 0.2 " + "nan 0.5 2 " * 17, "not a finite number"),
        ("0 0.5 0.5 1e308 0.2 " + "0.5 0.5 2 " * 17, "far out of range"),
        ("0 0.5 0.5 0 0.2 " + "0.5 0.5 2 " * 17, "the box is empty"),
        ("0 0.5 0.5 0.2 0.2 " + "0.5 0.5 3 " * 17, "a visibility is not"),
        ("0.5 0.5 0.5 0.2 0.2 " + "0.5 0.5 2 " * 17, "class 0.5 is not a whole number"),
        ("nan 0.5 0.5 0.2 0.2 " + "0.5 0.5 2 " * 17, "class nan is not a whole number"),
    ],
)
def test_a_bad_yolo_line_loses_no_other(images: Path, line: str, reason: str) -> None:
    good = "0 0.5 0.5 0.4 0.4 " + "0.5 0.5 1 " * 17
    without_flags = "0 0.5 0.5 0.4 0.4 " + "0.5 0.5 " * 16 + "0 0"
    labels = images.parent / "labels"
    labels.mkdir()
    (labels / "0.txt").write_text(f"{good}\n{line}\n\n{without_flags}\n")
    (labels / "1.txt").write_bytes(b"\xff\xfe")
    (labels / "stray.txt").write_text(good)
    (labels / "2.txt").symlink_to(images.parent / "a.json")
    content = FORMATS["yolo"].read(labels, images, Limits())
    assert content.people.visibility.tolist() == [[1] * 17, [2] * 16 + [0]]
    reasons = {record.id: record.reason for record in content.bad}
    assert reason in reasons["line 2"]
    assert reasons["1.txt"] == "not a text of numbers"
    assert reasons["stray"] == "no image has this name"
    assert "leaves" in reasons["2.txt"]
    assert len(content.images) == 4


def test_our_own_file_with_hostile_extra_keys(images: Path) -> None:
    document = good_document()
    document["annotations"][0] |= {"picture": 1, "columns": 2, "self": 3, "source": "martian"}
    document["annotations"][1] |= {"triples": 1, "source_id": "x", "track_id": 1e9}
    deep: Any = 1
    for _ in range(300):
        deep = [deep]
    document["annotations"][2] |= {"box": deep}
    document["annotations"][3] |= {"picture": 1, "box": {"deep": [1]}, "weight": 0.5, "__class__": 1}
    content = FORMATS["dataengine"].read(written(images, json.dumps(document)), images, Limits())
    assert len(content.bad) == 3
    assert content.people.weight.tolist() == [0.5]
    assert content.people.extras["box"].tolist() == [{"deep": [1]}]
