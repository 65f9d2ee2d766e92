"""What COCO-like files may say in many ways: none of it is a fault, and none of it changes a joint unsaid."""

import json
import math
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from dataengine.boxes import box_from_keypoints
from dataengine.coco_json import read_people, read_people_file
from dataengine.format_table import FORMATS
from dataengine.formats.coco import read_coco
from dataengine.formats.coco_like import ONLY_OCCLUDED
from dataengine.formats.reading.categories import WHOLE_PIXELS
from dataengine.formats.reading.content import Limits, SourceContent
from dataengine.keypoints import COCO_KEYPOINTS
from dataengine.person_scale import area_of_joints, person_area

from .hostile_samples import good_document, written
from .writing_samples import HEIGHT, WIDTH, write_image

BALL = {"id": 2, "name": "ball", "supercategory": ""}
RLE = {"counts": [10, 5, 76785], "size": [HEIGHT, WIDTH]}


def read(images: Path, change: Callable[[dict[str, Any]], Any]) -> SourceContent:
    document = good_document()
    change(document)
    return read_coco(written(images, json.dumps(document)), images)


def every(table: str, **values: Any) -> Callable[[dict[str, Any]], None]:
    """Set keys of each record of a table; a function is called with the record."""

    def change(document: dict[str, Any]) -> None:
        for record in document[table]:
            record |= {key: value(record) if callable(value) else value for key, value in values.items()}

    return change


def without(table: str, *names: str) -> Callable[[dict[str, Any]], None]:
    """Leave keys out of each record of a table."""

    def change(document: dict[str, Any]) -> None:
        for record in document[table]:
            for name in names:
                record.pop(name, None)

    return change


def added(*records: dict[str, Any], categories: tuple[dict[str, Any], ...] = ()) -> Callable[[dict[str, Any]], None]:
    """Further annotations in the first picture, 90 of each."""

    def change(document: dict[str, Any]) -> None:
        document["categories"] += categories
        for number, record in enumerate(record for record in records for _ in range(90)):
            document["annotations"].append({"id": 100 + number, "image_id": 0, "category_id": 1, **record})

    return change


BOX_ALONE = {"bbox": [5, 5, 40, 50], "area": 2000, "iscrowd": 0}


@pytest.mark.parametrize(
    ("change", "passed_over"),
    [
        (added({"category_id": 2, "bbox": [5, 5, 20, 20], "segmentation": []}, categories=(BALL,)), "other category"),
        (added({"category_id": 2, "bbox": "?", "iscrowd": 7}, categories=(BALL,)), "other category"),
        (added({**BOX_ALONE, "segmentation": [], "ignore": 0}), "no joints"),
        (added({**BOX_ALONE, "keypoints": []}), "no joints"),
        (added({**BOX_ALONE, "keypoints": None}), "no joints"),
        (added({**BOX_ALONE, "keypoints": [0] * 51, "num_keypoints": 0}), "no joints"),
        (added({**BOX_ALONE, "keypoints": [30, 30, 0] * 17, "num_keypoints": 17}), "no joints"),
        (added({"keypoints": [0] * 51, "bbox": [0, 0, 0, 0]}), "no joints"),
        (added({"bbox": [0, 0, 50, 50], "area": 900, "iscrowd": 1, "segmentation": RLE}), "crowd"),
        (added({"iscrowd": 1, "keypoints": [30, 30, 2] * 17, "segmentation": RLE}), "crowd"),
        (added({"iscrowd": True, "keypoints": [30, 30, 2] * 17}), "crowd"),
        (added({"iscrowd": "1", "keypoints": [30, 30, 2] * 17}), "crowd"),
        (added({"iscrowd": 1, "image_id": 77, "keypoints": "?"}), "crowd"),
    ],
)
def test_what_holds_nothing_to_learn_from_is_counted_apart(
    images: Path, change: Callable[[dict[str, Any]], Any], passed_over: str
) -> None:
    content = read(images, change)
    assert content.notes.passed_over == {passed_over: 90}
    assert (len(content.people), content.bad, content.records, content.judged) == (4, [], 98, 8)


@pytest.mark.parametrize("value", [0, 1, False, True, 0.0, 1.0, "0", "1", "false", "True", " 0 ", None])
def test_iscrowd_is_read_by_its_value(images: Path, value: Any) -> None:
    crowd = str(value).strip().lower() in ("1", "1.0", "true")
    content = read(images, every("annotations", iscrowd=value))
    assert (len(content.people), content.without_labels) == ((0, 4) if crowd else (4, 0))
    assert content.bad == []
    people, _ = read_people(images.parent / "a.json")
    assert people.extras["iscrowd"].tolist() == [int(crowd)] * 4, "evaluation leaves crowds out, and asks bool() of it"


@pytest.mark.parametrize("junk", [float("nan"), 1e12, -1e12, None, "x", math.inf, [1]])
def test_a_joint_of_flag_0_has_no_place_whatever_stands_there(images: Path, junk: Any) -> None:
    def change(document: dict[str, Any]) -> None:
        for record in document["annotations"]:
            record["keypoints"][30:33] = [junk, junk, 0]

    content = read(images, change)
    visible = [2] * 10 + [0] + [2] * 6
    assert content.people.visibility.tolist() == [visible] * 4 and content.bad == []
    assert content.people.keypoints_px[0, 10].tolist() == [0, 0]
    if not isinstance(junk, str | list):
        people, _ = read_people(images.parent / "a.json")
        assert people.visibility.tolist() == [visible] * 4
        np.testing.assert_array_equal(people.keypoints_px, content.people.keypoints_px)


def test_so_it_is_in_yolo(images: Path) -> None:
    labels = images.parent / "labels"
    labels.mkdir()
    (labels / "0.txt").write_text(f"0 0.5 0.5 0.4 0.4 nan 1e12 0 {'0.5 0.5 2 ' * 16}\n0 0.5 0.5 0.4 0.4\n")
    content = FORMATS["yolo"].read(labels, images, Limits())
    assert content.people.visibility.tolist() == [[0] + [2] * 16]
    assert (content.bad, content.notes.passed_over) == ([], {"no joints": 1})


@pytest.mark.parametrize(
    "change",
    [
        without("annotations", "bbox", "iscrowd", "num_keypoints"),
        every("annotations", bbox=None, area=None),
        every("annotations", bbox=[], area=0.0),
    ],
)
def test_a_person_without_a_box_gets_one_around_its_joints(
    images: Path, change: Callable[[dict[str, Any]], Any]
) -> None:
    content = read(images, change)
    assert (len(content.people), content.bad) == (4, [])
    extent = area_of_joints(content.people.keypoints_px, content.people.visibility)
    people, _ = read_people(images.parent / "a.json")
    for read_in in (content.people, people):
        box = box_from_keypoints(read_in.keypoints_px, read_in.visibility)
        np.testing.assert_allclose(read_in.bbox_xywh_px, box, atol=1e-5)
        assert read_in.extras["area_from"].tolist() == ["joints"] * 4
        np.testing.assert_allclose(person_area(read_in), extent, atol=1e-3)


def test_fiftyones_own_export_is_read_and_what_it_lost_is_told(images: Path) -> None:
    """What `fiftyone.utils.coco` writes: no box, no area, no names of joints, `int(x * width)`."""
    document = good_document()
    document["info"] = {"year": "", "version": "", "contributor": "", "url": "https://voxel51.com/fiftyone"}
    document["categories"] = [{"id": 0, "name": "person", "supercategory": None}]
    for record in document["annotations"]:
        record["keypoints"][3:6] = [0, 0, 0]
        values = [int(value) for value in record["keypoints"]]
        record.clear()
        record |= {"image_id": 0, "category_id": 0, "keypoints": values, "num_keypoints": 17, "iscrowd": 0}
    for number, record in enumerate(document["annotations"]):
        record |= {"id": number + 1, "image_id": number}
    content = read_coco(written(images, json.dumps(document)), images)
    assert content.people.visibility.tolist() == [[2, 0] + [2] * 15] * 4 and content.bad == []
    assert content.notes.assumed[WHOLE_PIXELS] == 4
    assert read_people_file(images.parent / "a.json").notes == content.notes
    assert len(content.notes.assumed) == 2, "and that nothing names the joints"


@pytest.mark.parametrize(
    "change",
    [
        every("annotations", id=lambda record: f"a{record['id']}"),
        every("annotations", id=lambda record: float(record["id"])),
        every("annotations", image_id=lambda record: float(record["image_id"])),
        every("images", width=float(WIDTH), height=float(HEIGHT), coco_url="http://images.example/0.png"),
        without("images", "width", "height"),
        every("images", license=1, flickr_url="", date_captured=0, extra={"name": "x"}),
        every("annotations", segmentation=RLE, attributes={"occluded": False}, area="", num_keypoints=3),
        every("annotations", bbox=[5.5, 5.25, 40.125, 40.0], score=None, ignore=1),
        lambda document: document.update(licenses=[], info=None),
    ],
)
def test_other_ways_of_writing_the_same_lose_nobody(images: Path, change: Callable[[dict[str, Any]], Any]) -> None:
    expected = read(images, lambda document: None)
    content = read(images, change)
    assert content.bad == [] and content.notes.passed_over == {}
    np.testing.assert_array_equal(content.people.keypoints_px, expected.people.keypoints_px)
    np.testing.assert_array_equal(content.people.visibility, expected.people.visibility)
    assert content.images.width.tolist() == [WIDTH] * 4


def test_ids_may_be_texts(images: Path) -> None:
    document = good_document()
    for record in document["images"]:
        record["id"] = f"frame {record['id']}"
    for record in document["annotations"]:
        record |= {"image_id": f"frame {record['image_id']}", "id": f"{record['id']}-a"}
    content = read_coco(written(images, json.dumps(document)), images)
    assert content.people.extras["source_image_id"].tolist() == [f"frame {number}" for number in range(4)]
    assert content.people.image_id.tolist() == content.images.id.tolist() == [1, 2, 3, 4]


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (every("annotations", bbox=["5", "5", "40", "40"]), "bbox is not four finite numbers"),
        (every("annotations", bbox=[5, 5, -40, 40]), "the box is empty: -40 x 40"),
        (every("annotations", keypoints=["1"] * 51), "keypoints are not 51 numbers"),
        (every("annotations", keypoints=[9, 9] * 17), "keypoints are not 51 numbers"),
        (every("images", width="96"), "width and height are not sizes"),
        (every("images", width=None), "width and height are not sizes"),
    ],
)
def test_what_cannot_be_meant_is_refused_by_its_name(
    images: Path, change: Callable[[dict[str, Any]], Any], reason: str
) -> None:
    content = read(images, change)
    assert len(content.people) == 0 and reason in {record.reason for record in content.bad}


def test_more_joints_than_coco_has_are_dropped_by_name_and_counted(images: Path) -> None:
    further = ["left_big_toe", "face-0", "left_hand_root", "neck"]

    def change(document: dict[str, Any]) -> None:
        document["categories"][0]["keypoints"] = [*COCO_KEYPOINTS, *further]
        for record in document["annotations"]:
            record["keypoints"] = [*record["keypoints"], *[30.0, 30.0, 1] * 3, 0, 0, 0]

    content = read(images, change)
    assert content.dropped_joints == {"face_0": 4, "left_big_toe": 4, "left_hand_root": 4}
    assert read_people_file(images.parent / "a.json").dropped_joints == content.dropped_joints


def test_flags_that_look_like_another_convention_are_told(images: Path) -> None:
    content = read(images, every("annotations", keypoints=[30.0, 30.0, 1] * 17))
    assert (content.people.visibility == 1).all() and content.notes.assumed == {ONLY_OCCLUDED: 4}


def test_names_of_pictures_are_paths_of_any_system(images: Path) -> None:
    names = ["sub/deep/a b.png", "sub\\deep\\c.png", "cafe\u0301.png", "./3.png"]
    for name in ("sub/deep/a b.png", "sub/deep/c.png", "café.png"):
        write_image(images / name)
    document = good_document()
    for record, name in zip(document["images"], names, strict=True):
        record["file_name"] = name
    content = read_coco(written(images, json.dumps(document)), images)
    assert content.bad == []
    found = [Path(path).relative_to(images).as_posix() for path in content.images.path.tolist()]
    assert found == ["sub/deep/a b.png", "sub/deep/c.png", "café.png", "3.png"]


def test_two_pictures_of_one_base_name_are_two(images: Path) -> None:
    for folder in ("a", "b"):
        write_image(images / folder / "clip_000010.png", WIDTH, HEIGHT)
    document = good_document(2)
    for record, folder in zip(document["images"], ("b", "a"), strict=True):
        record["file_name"] = f"{folder}/clip_000010.png"
    content = read_coco(written(images, json.dumps(document)), images)
    assert [Path(path).parent.name for path in content.images.path.tolist()] == ["b", "a"]


def plant_junk(folder: Path) -> None:
    """What archives, file managers and editors leave in a folder of pictures and labels."""
    for name in ("._0.png", ".DS_Store", "Thumbs.db", "__MACOSX/._0.png", "__MACOSX/0.png", ".hidden/0.png"):
        (folder / name).parent.mkdir(exist_ok=True, parents=True)
        (folder / name).write_bytes(b"\x00\x05\x16\x07 junk")
    for name in ("._0.txt", "__MACOSX/0.txt", "._a.json", "._clip_000001.png", "@eaDir/clip_000001.png"):
        (folder / name).parent.mkdir(exist_ok=True, parents=True)
        (folder / name).write_bytes(b"\x00\x05\x16\x07 junk")


def test_junk_is_no_record_of_a_yolo_set(images: Path) -> None:
    labels = images.parent / "labels"
    labels.mkdir()
    (labels / "0.txt").write_text("0 0.5 0.5 0.4 0.4 " + "0.5 0.5 1 " * 17)
    plant_junk(images)
    plant_junk(labels)
    (labels / "classes.txt").write_text("person\n")
    (labels / "README.roboflow.txt").write_text("Exported for YOLO\n")
    (labels / "train.txt").write_text("images/0.png\nimages/1.png\n")
    (labels / "lost.txt").write_text("0 0.5 0.5 0.4 0.4 " + "0.5 0.5 1 " * 17)
    content = FORMATS["yolo"].read(labels, images, Limits())
    assert (len(content.people), len(content.images)) == (1, 4)
    assert [(record.id, record.reason) for record in content.bad] == [("lost", "no image has this name")]


def test_junk_is_no_frame_of_a_pool(tmp_path: Path) -> None:
    write_image(tmp_path / "pool" / "clip_000001.png")
    plant_junk(tmp_path / "pool")
    content = FORMATS["frames"].read(Path(), tmp_path / "pool", Limits())
    assert (content.records, len(content.images)) == (1, 1)


@pytest.mark.realdata
def test_junk_is_no_file_of_a_posetrack_set(shared_data: Path, tmp_path: Path) -> None:
    source = shared_data / "pose_samples/posetrack18"
    shutil.copytree(source / "annotations/val", tmp_path / "val")
    expected = FORMATS["posetrack18"].read(tmp_path / "val", source, Limits())
    plant_junk(tmp_path / "val")
    content = FORMATS["posetrack18"].read(tmp_path / "val", source, Limits())
    assert content.records == expected.records and len(content.people) == len(expected.people) > 0
