"""What comes back is compared with what went out, joint by joint, for each annotator."""

import json
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from dataengine.active.labelling.sent import read_sent, sent_path
from dataengine.coco_json import read_people
from dataengine.errors import InputError
from dataengine.labels.joint_weights import joint_weights

from ..conftest import Project
from .conftest import DROP, JOINTS, LABELS, MARK, PARAMS, TOOL, bring_back, edit, info, shift, shift_all


def test_what_a_person_corrected_comes_back_under_its_hash(exported: Project) -> None:
    shift_all(5.0)
    first = bring_back()
    corrected = [50.0, 60.0, 2] * 17
    edit(lambda document: document["annotations"][0].update(keypoints=corrected))
    done = bring_back()
    people, images = read_people(done.path, root=exported.root)
    assert first.people == done.people == len(people) == 8 and len(images) == 4
    assert done.path.parent == LABELS and done.path != first.path and first.path.is_file()
    assert (people.keypoints_px == [50, 60]).all(axis=(1, 2)).sum() == 1
    assert set(people.source.tolist()) == {"real"} and (people.weight == 1).all()
    assert people.extras["sha256"].tolist() == sorted(people.extras["sha256"].tolist())
    assert "joint_weight" not in people.extras and (people.extras["touched"] == 1).all()


def test_an_import_without_a_click_is_no_human_truth(exported: Project) -> None:
    """The model's own joints come back as they went out: refused, marked joint by joint, or dropped."""
    with pytest.raises(InputError, match=rf"anna left {JOINTS} of {JOINTS} joints.*0\.95.*got 1; correct the labels"):
        bring_back(annotator="anna")
    assert not LABELS.exists()
    marked = bring_back(MARK, annotator="anna")
    people, _ = read_people(marked.path, root=exported.root)
    assert (joint_weights(people)[people.visibility > 0] == 0.5).all() and (people.extras["touched"] == 0).all()
    assert info(marked)["annotators"]["anna"] == {
        "pictures": 4, "people": 8, "untouched": JOINTS, "moved": 0, "added": 0, "removed": 0,
        "untouched_share": 1.0, "verdict": "marked",
    }  # fmt: skip
    with pytest.raises(InputError, match="no image in which a joint was touched"):
        bring_back(DROP, annotator="anna")


def test_joints_are_counted_by_annotator_and_picture(exported: Project) -> None:
    """Bob corrects, Anna clicks on next to nothing; less than a pixel corrects nothing."""

    def by_two(document: dict[str, Any]) -> None:
        names = ["bob", "bob", "anna", "anna"]
        for record, name in zip(document["images"], names, strict=True):
            record["annotator"] = name
        bobs, annas = document["annotations"][:4], document["annotations"][4:]
        for annotation in bobs:
            shift(annotation, 1.1)
        shift(annas[0], 0.9)
        shift(annas[2], 30.0, range(5, 6))  # one joint of one person

    edit(by_two)
    with pytest.raises(InputError, match=r"annotator anna left 63 of 64 joints"):
        bring_back()
    done = bring_back(MARK)
    sums = done.annotators
    assert (sums["bob"]["moved"], sums["bob"]["untouched"], sums["bob"]["verdict"]) == (64, 0, "kept")
    assert (sums["anna"]["moved"], sums["anna"]["untouched"], sums["anna"]["verdict"]) == (1, 63, "marked")
    efforts = [(e["annotator"], e["untouched"], e["moved"]) for e in info(done)["efforts"]]
    assert sorted(efforts) == [("anna", 31, 1), ("anna", 32, 0), ("bob", 0, 32), ("bob", 0, 32)]
    people, _ = read_people(done.path, root=exported.root)
    weight = joint_weights(people)[people.visibility > 0]
    assert (weight == 0.5).sum() == 63 and (weight == 1).sum() == 65
    assert sorted(people.extras["touched"].round(4).tolist()) == [0.0] * 3 + [0.0625] + [1.0] * 4
    dropped = bring_back(DROP)
    assert (dropped.people, dropped.unanswered) == (6, 1), "the picture in which something was touched stays"


def test_people_are_paired_by_place_and_what_was_added_or_removed_is_counted(exported: Project) -> None:
    """Tools number people in their own order; a deleted person and a new one are both work."""

    def rework(document: dict[str, Any]) -> None:
        document["annotations"][1]["keypoints"][15:18] = [0, 0, 0]  # takes one joint away
        document["annotations"][0]["keypoints"][9:12] = [60, 70, 1]  # labels the left ear
        document["annotations"][0], document["annotations"][1] = document["annotations"][1::-1]
        del document["annotations"][2]

    edit(rework)
    sums = bring_back(replace(PARAMS, max_untouched_share=1.0)).annotators["unnamed"]
    assert (sums["untouched"], sums["moved"], sums["added"], sums["removed"]) == (JOINTS - 17, 0, 1, 17)
    assert sums["untouched_share"] == round((JOINTS - 17) / (JOINTS + 1), 4)


def test_people_without_a_joint_in_common_are_not_taken_for_each_other(exported: Project) -> None:
    """Two overlapping people of one picture, of whom the model labelled the one half and the other half."""

    def halve(document: dict[str, Any]) -> None:
        for number, annotation in enumerate(document["annotations"][:2]):
            for joint in range(17):
                if (joint < 9) == (number == 0):
                    annotation["keypoints"][3 * joint : 3 * joint + 3] = [0, 0, 0]

    for path in (TOOL, sent_path(TOOL)):
        document = json.loads(path.read_text())
        halve(document)
        path.write_text(json.dumps(document))
    shift_all(3.0)
    sums = bring_back().annotators["unnamed"]
    assert (sums["moved"], sums["added"], sums["removed"], sums["untouched"]) == (7 * 16, 0, 0, 0)


def test_nobody_here_is_an_answer(exported: Project) -> None:
    """By the image's own key, or by an option for all images without people; otherwise it was not answered."""

    def clear_two(document: dict[str, Any]) -> None:
        document["images"][0]["nobody"] = True
        first, second = (document["images"][number]["id"] for number in (0, 1))
        document["annotations"] = [a for a in document["annotations"] if a["image_id"] not in (first, second)]
        for annotation in document["annotations"]:
            shift(annotation, 4)

    edit(clear_two)
    done = bring_back(annotator="anna")
    assert (done.people, done.nobody, done.unanswered) == (4, 1, 1)
    people, images = read_people(done.path, root=exported.root)
    assert len(images) == 3 and len(np.unique(people.image_id)) == 2
    (empty,) = info(done)["nobody"]
    assert empty["annotator"] == "anna" and read_sent(sent_path(TOOL)).sha256[0] == empty["sha256"]
    assert done.annotators["anna"]["removed"] == 32
    both = bring_back(annotator="anna", empty_is_nobody=True)
    assert (both.people, both.nobody, both.unanswered) == (4, 2, 0) and both.path != done.path
    edit(lambda document: document.update(annotations=[]))
    with pytest.raises(InputError, match="labels nobody: expected at least one person, or a confirmed empty image"):
        edit(lambda document: document["images"][0].pop("nobody"))
        bring_back()
    assert bring_back(empty_is_nobody=True).nobody == 4
