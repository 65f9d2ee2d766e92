"""What annotation tools write: joints by name, other categories, pictures by path and content, zips."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any
from zipfile import ZipFile

import numpy as np
import pytest
from PIL import Image

from dataengine.active.labelling.tool_file import opened
from dataengine.errors import InputError
from dataengine.formats.tools.cvat_writing import write_cvat
from dataengine.labels.label_file import LabelFile

from .conftest import NAMES, TOOL, Round, bring_back, kept, save

ALPHABETICAL = (15, 3, 7, 1, 11, 13, 5, 9, 0, 16, 4, 8, 2, 12, 14, 6, 10)  # as CVAT's export sorts them
RIGHT_FIRST = (0, *(joint + 1 if joint % 2 else joint - 1 for joint in range(1, 17)))


def check(labels: LabelFile, sent_round: Round, images: tuple[int, ...] = (0, 1, 2, 3), atol: float = 1e-3) -> None:
    """Every person is in its own picture, every joint in its place."""
    assert len(labels.people) == len(images)
    for row in range(len(labels.people)):
        image = sent_round.sent.sha256.tolist().index(labels.people.extras["sha256"][row])
        expected = sent_round.joints(image)
        np.testing.assert_allclose(labels.people.keypoints_px[row], expected[:, :2], atol=atol)
        np.testing.assert_array_equal(labels.people.visibility[row], expected[:, 2])


@pytest.mark.parametrize("order", [ALPHABETICAL, RIGHT_FIRST])
def test_joints_come_back_by_name(sent_round: Round, order: tuple[int, ...]) -> None:
    sent_round.tool_file(order)
    check(kept(bring_back()), sent_round)


def test_other_categories_crowds_and_boxes_alone_are_counted(sent_round: Round) -> None:
    document = sent_round.tool_file()
    document["categories"].append({"id": 2, "name": "ball"})
    box = {"image_id": 1, "bbox": [1, 2, 30, 40], "iscrowd": 0}
    document["annotations"] += [
        {**box, "id": 11, "category_id": 2},
        {**box, "id": 12, "category_id": 1},
        {**box, "id": 13, "category_id": 1, "keypoints": [0] * 51},
        {**box, "id": 14, "category_id": 1, "iscrowd": 1, "segmentation": {"counts": [3], "size": [1, 3]}},
    ]
    save(document)
    done = bring_back()
    check(kept(done), sent_round)
    assert done.returned.notes == ["passed over: 1 crowd, 2 no joints, 1 other category (ball 1)"]


def test_a_person_without_joints_is_somebody(sent_round: Round) -> None:
    """An image that holds a box, or a crowd, is not confirmed to be empty."""
    document = sent_round.tool_file()
    document["annotations"][0]["keypoints"] = [0] * 51
    del document["annotations"][1]
    save(document)
    done = bring_back(empty_is_nobody=True)
    assert (done.people, done.nobody, done.unanswered) == (2, 1, 1)


def test_a_dog_is_no_person(sent_round: Round) -> None:
    sent_round.tool_file(categories=[{"id": 1, "name": "dog", "keypoints": [f"k{joint}" for joint in range(17)]}])
    with pytest.raises(InputError, match="has no people"):
        bring_back()


def test_merged_people_of_label_studios_coco_are_refused(sent_round: Round) -> None:
    document = sent_round.tool_file()
    document["info"] = {"contributor": "Label Studio"}
    document["categories"][0]["name"] = "default"
    save(document)
    with pytest.raises(InputError, match="expected Label Studio's own JSON"):
        bring_back()


def flat(document: dict[str, Any]) -> None:
    """Take the folders away, as some tools do: two images are called clip_10.png."""
    for image in document["images"]:
        image["file_name"] = f"../gone/{Path(image['file_name']).name}"


def test_base_names_alone_do_not_tell_pictures_apart(sent_round: Round) -> None:
    document = sent_round.tool_file()
    flat(document)
    save(document)
    Path("flat").mkdir()
    for name in NAMES:
        shutil.copy(name, Path("flat") / Path(name).name)
    with pytest.raises(InputError, match=r"2 images that may be flat/clip_10\.png"):
        bring_back(images=Path("flat"))
    with pytest.raises(InputError, match="does not exist"):
        bring_back(images=Path("pool"))  # whose folders are other ones
    document["images"] = [image for image in document["images"] if "clip_10" not in image["file_name"]]
    document["annotations"] = [document["annotations"][row] for row in (1, 3)]
    save(document)
    check(kept(bring_back(images=Path("flat"))), sent_round, (1, 3))


def test_folders_before_the_names_do_not_matter(sent_round: Round) -> None:
    document = sent_round.tool_file()
    for image, name in zip(document["images"], NAMES, strict=True):
        image["file_name"] = name.removeprefix("pool/")
    save(document)
    with pytest.raises(InputError, match=r"does not exist, .*give --images"):
        bring_back()
    shutil.copytree("pool", "export/images/default")
    check(kept(bring_back(images=Path("export"))), sent_round)


def zipped(path: Path, annotations: str, *, pictures: bool) -> Path:
    with ZipFile(path, "w") as archive:
        archive.write(TOOL, annotations)
        for name in NAMES if pictures else ():
            archive.write(name, f"images/default/{name}")
    return path


def test_a_zip_brings_its_pictures(sent_round: Round) -> None:
    document = sent_round.tool_file()
    for image, name in zip(document["images"], NAMES, strict=True):
        image["file_name"] = name
    save(document)
    bare = zipped(Path("bare.zip"), "annotations/person_keypoints_default.json", pictures=False)
    whole = zipped(Path("whole.zip"), "annotations/person_keypoints_default.json", pictures=True)
    shutil.rmtree("pool")
    with pytest.raises(InputError, match="does not exist"):
        bring_back(bare)
    check(kept(bring_back(whole)), sent_round)


def test_copies_that_kept_their_names_need_no_folder(sent_round: Round) -> None:
    document = sent_round.tool_file()
    for image, name in zip(document["images"], sent_round.names, strict=True):
        image["file_name"] = f"/data/upload/4/0123abcd-{name}"
    save(document)
    check(kept(bring_back()), sent_round)


def cvat_back(sent_round: Round, change: Callable[[str], str] = str) -> Path:
    """What went out to CVAT, as CVAT gives it back."""
    path = Path("annotations.xml")
    write_cvat(path, sent_round.sent.prelabels, sent_round.sent.images, Path("out.pictures"))
    path.write_text(change(path.read_text()))
    return path


def test_cvats_xml_comes_back_in_place(sent_round: Round) -> None:
    check(kept(bring_back(cvat_back(sent_round))), sent_round, atol=0.006)
    with ZipFile("cvat.zip", "w") as archive:
        archive.write("annotations.xml")
        for picture in Path("out.pictures").iterdir():
            archive.write(picture, f"images/{picture.name}")
    assert not bring_back(Path("cvat.zip")).is_new, "the zip says the same"


def test_cvat_names_the_annotator_and_pictures_of_nobody(sent_round: Round) -> None:
    def emptied(text: str) -> str:
        start = text.index("<box", text.index('<image id="1"'))
        text = text[:start] + '<tag label="nobody" source="manual"/>' + text[text.index("</image>", start) :]
        return text.replace("<task>", "<task><assignee><username>anna</username></assignee>", 1)

    done = bring_back(cvat_back(sent_round, emptied))
    assert (done.people, done.nobody, list(done.annotators)) == (3, 1, ["anna"])


@pytest.mark.parametrize(("text", "cause"), [("yes", "of no known format"), ("[]", "labels nobody")])
def test_what_no_tool_writes_is_refused(sent_round: Round, text: str, cause: str) -> None:
    TOOL.parent.mkdir()
    TOOL.write_text(text)
    with pytest.raises(InputError, match=cause):
        bring_back()


def test_two_uploads_of_one_name_are_not_taken_for_one_picture(tmp_path: Path) -> None:
    """Label Studio keeps no folder of an upload, so that of two pictures called a.png any may be meant."""
    picture = tmp_path / "copies" / "monday" / "a.png"
    picture.parent.mkdir(parents=True)
    Image.new("RGB", (20, 10)).save(picture)
    stored = [f"/data/upload/1/{number}b12cd34-a.png" for number in "12"]
    tasks = [{"id": number, "data": {"image": name}, "annotations": []} for number, name in enumerate(stored)]
    (tmp_path / "back.json").write_text(json.dumps(tasks))
    with (
        pytest.raises(InputError, match=r"has 2 images that may be .*monday/a.png"),
        opened(tmp_path / "back.json", tmp_path / "copies"),
    ):
        pass
