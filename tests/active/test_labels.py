"""Labels go out to a tool and come back: by image hash, checked, the same file for the same labels."""

import json
import shutil
from pathlib import Path

import numpy as np
import pytest

from dataengine.active.label_export import command as label_export
from dataengine.active.label_import import run as label_import
from dataengine.active.manifest.files import read_selection
from dataengine.coco_json import read_people
from dataengine.errors import InputError
from dataengine.person_scale import area_of_joints

from ..helpers.held_out import held_out_file
from .conftest import Project
from .test_selection import OUT, select

TOOL, LABELS = Path("tool/coco.json"), Path("data/labels")


@pytest.fixture
def exported(project: Project) -> Project:
    """A selection whose picks went out to the tool."""
    select(project)
    label_export(selection=OUT, out=TOOL)
    return project


def bring_back(images: Path | None = None) -> tuple[Path, int]:
    return label_import(labels=TOOL, selection=OUT, out=LABELS, images=images)


def edit(**changes: object) -> None:
    """Change the first annotation in the tool's file."""
    document = json.loads(TOOL.read_text())
    document["annotations"][0].update(changes)
    TOOL.write_text(json.dumps(document))


def test_export_is_prefilled_with_the_teacher_most_wanted_first(exported: Project) -> None:
    people, images = read_people(TOOL, root=exported.root)
    candidates, candidate_images = read_people(exported.candidates, root=exported.root)
    frames = images.frame.tolist()
    picks = read_selection(OUT).picks.values()
    assert frames == [pick["frame"] for pick in sorted(picks, key=lambda pick: pick["rank"])]
    teacher = candidates.take(candidate_images.frame[candidate_images.rows_of(candidates.image_id)] == frames[0])
    assert people.take([0, 1]).visibility.tolist() == teacher.visibility.tolist()
    assert people.keypoints_px[:2] == pytest.approx(teacher.keypoints_px, abs=1e-2)


def test_what_a_person_corrected_comes_back_under_its_hash(exported: Project) -> None:
    unchanged, count = bring_back()
    corrected = [50.0, 60.0, 2] * 17
    edit(keypoints=corrected)
    path, _ = bring_back()
    people, images = read_people(path, root=exported.root)
    assert count == len(people) == 8 and len(images) == 4
    assert path.parent == LABELS and path != unchanged and unchanged.is_file()
    assert (people.keypoints_px == [50, 60]).all(axis=(1, 2)).sum() == 1
    assert set(people.source.tolist()) == {"real"} and (people.weight == 1).all()
    assert people.extras["sha256"].tolist() == sorted(people.extras["sha256"].tolist())


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
    path, _ = bring_back()
    people, _ = read_people(path, root=exported.root)
    by_joints = area_of_joints(people.keypoints_px, people.visibility)
    is_mask = people.extras["area_from"] == "mask"
    assert people.extras["area"][is_mask].tolist() == [123.0]
    assert people.extras["area"][~is_mask] == pytest.approx(by_joints[~is_mask], rel=1e-4)
    assert set(people.extras["area_from"][~is_mask].tolist()) == {"joints"}


def test_order_ids_and_file_names_of_the_tool_do_not_matter(exported: Project) -> None:
    path, _ = bring_back()
    first = path.read_bytes()
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
    again, _ = bring_back(images=TOOL.parent / "copies")
    assert again == path and again.read_bytes() == first


@pytest.mark.parametrize(
    ("wrong", "cause"),
    [
        ({"keypoints": [0, 0, 0] * 17}, "person 1 has no labelled joint"),
        ({"keypoints": [500, 20, 2] * 17}, "person 1 has a joint outside the image"),
        ({"bbox": [5, 5, 0, 40]}, "person 1 has an empty box"),
        ({"keypoints": [1, 2, 2]}, "17 keypoints"),
        ({"image_id": 99}, "image id is unknown"),
    ],
)
def test_wrong_records_are_named(exported: Project, wrong: dict[str, object], cause: str) -> None:
    edit(**wrong)
    with pytest.raises(InputError, match=cause):
        bring_back()
    assert not LABELS.exists()


def test_images_that_were_not_shown_are_refused(exported: Project) -> None:
    document = json.loads(TOOL.read_text())
    document["images"][0]["file_name"] = "../real/val_images/0010.png"
    TOOL.write_text(json.dumps(document))
    with pytest.raises(InputError, match=r"1 labelled images are not in the selection.*0010\.png"):
        bring_back()


def test_labels_of_test_pictures_are_refused(exported: Project) -> None:
    _, images = read_people(TOOL, root=exported.root)
    held_out = held_out_file(exported.root, images.take([1]).replace(video="", frame=-1))
    with pytest.raises(InputError, match=r"tool/coco\.json has pictures that are held out for measuring: 1 of test"):
        label_import(labels=TOOL, selection=OUT, out=LABELS, held_out=held_out)
    assert not LABELS.exists()


def test_a_labelled_frame_leaves_the_candidates(exported: Project) -> None:
    """The round closes: imported labels given as the labelled set are not asked for again."""
    path, _ = bring_back()
    labelled = set(read_selection(OUT).picks)
    shutil.copy(path, "data/train.json")
    document = json.loads(path.read_text())
    for record in document["images"]:
        record["file_name"] = "../" + str(Path(record["file_name"])).removeprefix("../../")
    Path("data/train.json").write_text(json.dumps(document))
    select(Project(exported.root, exported.student, exported.candidates, Path("data/train.json"), exported.val))
    assert not labelled & set(read_selection(OUT).picks)
    assert np.isin(list(labelled), read_selection(OUT).labelled_sha256).all()
