"""What a tool may write as it likes, and what is refused."""

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from dataengine.coco_json import read_people
from dataengine.errors import InputError
from dataengine.person_scale import area_of_joints

from ...helpers.held_out import held_out_file
from ..conftest import Project
from .conftest import LABELS, MARK, TOOL, bring_back, edit, shift_all


def test_the_scale_follows_the_joints_whatever_area_a_tool_writes(exported: Project) -> None:
    sent, _ = read_people(TOOL, root=exported.root)
    assert sent.extras["area"] == pytest.approx(area_of_joints(sent.keypoints_px, sent.visibility), rel=1e-4)
    document = json.loads(TOOL.read_text())
    for row, record in enumerate(document["annotations"]):
        x, _, width, height = record["bbox"]
        record["area"] = width * height  # as CVAT writes it
        del record["area_from"]
        if row == 0:
            record["keypoints"][0::3] = [(value + x) / 2 for value in record["keypoints"][0::3]]  # half as wide
        if row == 1:
            record |= {"area": 123.0, "area_from": "mask"}
    TOOL.write_text(json.dumps(document))
    people, _ = read_people(bring_back(MARK).path, root=exported.root)
    by_joints = area_of_joints(people.keypoints_px, people.visibility)
    is_mask = people.extras["area_from"] == "mask"
    assert people.extras["area"][is_mask].tolist() == [123.0]
    assert people.extras["area"][~is_mask] == pytest.approx(by_joints[~is_mask], rel=1e-4)
    assert set(people.extras["area_from"][~is_mask].tolist()) == {"joints"}
    edit(lambda edited: edited["annotations"][1].update(area=124.0))
    assert len(list(LABELS.glob("*.json"))) == 1 and bring_back(MARK).path and len(list(LABELS.glob("*.json"))) == 2


def test_order_ids_and_file_names_of_the_tool_do_not_matter(exported: Project) -> None:
    shift_all(2.0)
    done = bring_back()
    first = done.path.read_bytes()
    document = json.loads(TOOL.read_text())
    (Path("tool") / "copies").mkdir()
    for number, record in enumerate(document["images"]):
        copy = f"copies/task-{9 - number}.png"
        shutil.copy(TOOL.parent / record["file_name"], TOOL.parent / copy)
        record.update(file_name=copy.split("/")[1], id=record["id"] + 100)
        record.pop("video"), record.pop("frame")
    for annotation in document["annotations"]:
        annotation.update(image_id=annotation["image_id"] + 100, id=annotation["id"] * 7)
        annotation.pop("sha256")
    document["annotations"].reverse()
    document["images"].reverse()
    TOOL.write_text(json.dumps(document))
    again = bring_back(images=TOOL.parent / "copies")
    assert again.path == done.path and again.path.read_bytes() == first


@pytest.mark.parametrize(
    ("where", "wrong", "cause"),
    [
        ("annotations", {"keypoints": [500, 20, 2] * 17}, "1: a labelled joint lies outside the image"),
        ("annotations", {"bbox": [5, 5, 0, 40]}, "1: the box is empty"),
        ("annotations", {"keypoints": [1, 2, 2]}, "1: keypoints are not 51 numbers"),
        ("annotations", {"image_id": 99}, "1: image 99 is unknown"),
        ("annotations", {"annotator": 7}, "names an annotator by something else than a text"),
        ("images", {"annotator": ["anna"]}, "names an annotator by something else than a text"),
        ("images", {"nobody": True}, "image 1 says nobody, and has people"),
        ("images", {"nobody": "yes"}, "nobody of image 1: expected true or false"),
        ("images", {"file_name": "../gone.png"}, "does not exist; give --images"),
    ],
)
def test_wrong_records_are_named(exported: Project, where: str, wrong: dict[str, object], cause: str) -> None:
    edit(lambda document: document[where][0].update(wrong))
    with pytest.raises(InputError, match=cause):
        bring_back(MARK)
    assert not LABELS.exists()


def test_a_picture_listed_twice_cannot_show_people_and_nobody(exported: Project) -> None:
    def twice(document: dict[str, Any]) -> None:
        document["images"].append({**document["images"][0], "id": 77, "nobody": True})

    edit(twice)
    with pytest.raises(InputError, match="both that it shows people and nobody"):
        bring_back(MARK)


def test_images_that_were_not_sent_are_told_and_not_used(exported: Project) -> None:
    edit(lambda document: document["images"][0].update(file_name="../real/val_images/0010.png"))
    assert bring_back(MARK).returned.not_sent == ["0010.png"]
    edit(lambda document: document.update(images=document["images"][:1], annotations=document["annotations"][:1]))
    with pytest.raises(InputError, match=r"no image of this round: got 1 images were not sent out.*0010\.png"):
        bring_back()


def test_labels_of_test_pictures_are_refused(exported: Project) -> None:
    _, images = read_people(TOOL, root=exported.root)
    held_out = held_out_file(exported.root, images.take([1]).replace(video="", frame=-1))
    with pytest.raises(InputError, match=r"tool/coco\.json has pictures that are held out for measuring: 1 of test"):
        bring_back(MARK, held_out=held_out)
    edit(lambda document: document.update(annotations=[]))
    with pytest.raises(InputError, match="1 of test"):
        bring_back(MARK, held_out=held_out, empty_is_nobody=True)
    assert not LABELS.exists()
