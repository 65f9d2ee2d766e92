"""COCO files with something wrong in them: each bad record is listed, the others are read."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from dataengine.errors import InputError
from dataengine.formats.coco import read_coco

from ..datasets.ingest_samples import annotation, edit, image, small_set

BAD: list[tuple[Callable[[Path], Any], str, int]] = [
    (annotation("keypoints", [1, 2, 3]), "not 51 numbers", 1),
    (annotation("keypoints", [float("nan"), 1, 2] * 17), "not a finite number", 1),
    (annotation("keypoints", [1e308, 1, 2] * 17), "not a finite number", 1),
    (annotation("keypoints", [9, 9, 3] * 17), "visibility is not 0, 1 or 2", 1),
    (annotation("keypoints", [500, 9, 2] * 17), "joint lies outside", 1),
    (annotation("keypoints", "none"), "not 51 numbers", 1),
    (annotation("keypoints", [9, 9] * 17), "not 51 numbers", 1),
    (annotation("keypoints", [9, 9, None] * 17), "not 51 numbers", 1),
    (annotation("iscrowd", "maybe"), "iscrowd is 'maybe', not 0 or 1", 1),
    (annotation("iscrowd", -1), "iscrowd is -1, not 0 or 1", 1),
    (annotation("bbox", [5, 10, 0, 25]), "box is empty", 1),
    (annotation("bbox", [500, 10, 5, 25]), "box lies outside", 1),
    (annotation("bbox", [float("inf"), 10, 5, 25]), "four finite numbers", 1),
    (annotation("category_id", 7), "category 7 is unknown", 1),
    (annotation("category_id", [1]), "category a list is unknown", 1),
    (annotation("image_id", 999), "image 999 is unknown", 1),
    (annotation("image_id", [1]), "is unknown", 1),
    (annotation("id", 100), "more than once", 1),
    (annotation("id", None), "not a whole number", 1),
    (lambda path: edit(path, lambda d: d["annotations"].__setitem__(3, "text")), "not an object", 1),
    (image("width", 640), "stated 640x48, is 64x48", 2),
    (image("width", -1), "not sizes", 2),
    (image("file_name", "../annotations.json"), "leaves the image folder", 2),
    (image("file_name", "/etc/passwd"), "leaves the image folder", 2),
    (image("file_name", "absent.jpg"), "does not exist", 2),
    (image("id", 1), "more than once", 4),
    (lambda path: (path.parent / "images/003.jpg").write_text("<html>"), "cannot be read", 2),
]


@pytest.mark.parametrize(("damage", "reason", "quarantined"), BAD)
def test_every_bad_record_is_listed_by_id_and_counted(
    tmp_path: Path, damage: Callable[[Path], Any], reason: str, quarantined: int
) -> None:
    path = small_set(tmp_path)
    damage(path)
    content = read_coco(path, tmp_path / "images")
    assert len(content.bad) == quarantined
    assert any(reason in record.reason for record in content.bad), [record.reason for record in content.bad]
    assert content.records == len(content.people) + len(content.images) + len(content.bad) + content.without_labels
    assert all(record.id for record in content.bad)


@pytest.mark.parametrize(
    ("facts", "group"),
    [
        ({"scene": "park", "video_id": 3}, "park"),
        ({"video_id": 3}, "video_id 3"),
        ({"group": "", "vid_id": "000342"}, "000342"),
        ({"group": None, "video": ["a"], "scene": "x" * 5000}, ""),
        ({}, ""),
    ],
)
def test_what_an_image_was_taken_together_with_is_kept(tmp_path: Path, facts: dict[str, Any], group: str) -> None:
    path = small_set(tmp_path)
    edit(path, lambda document: document["images"][0].update(facts))
    images = read_coco(path, path.parent / "images").images
    assert images.group.tolist() == [group] + [""] * (len(images) - 1)


def test_people_without_labels_and_crowds_are_counted_not_quarantined(tmp_path: Path) -> None:
    path = small_set(tmp_path)
    annotation("keypoints", [0] * 51)(path)
    edit(path, lambda d: d["annotations"][4].__setitem__("iscrowd", 1))
    content = read_coco(path, tmp_path / "images")
    assert (len(content.people), content.notes.passed_over, content.bad) == (28, {"crowd": 1, "no joints": 1}, [])


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[]", "is not COCO"),
        ('{"images": []}', "is not COCO"),
        ('{"images": [], "annotations": [], "categories": [{"id": 3, "name": "dog"}]}', "has no people"),
        ('{"images": [', "cannot be read"),
    ],
)
def test_a_file_that_is_no_coco_set_is_refused_whole(tmp_path: Path, text: str, message: str) -> None:
    (tmp_path / "a.json").write_text(text)
    with pytest.raises(InputError, match=message):
        read_coco(tmp_path / "a.json", tmp_path)
