"""Labels go out to a tool and come back by the real commands: compared with what went out, checked, and kept once."""

import json
import re
import shutil
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml
from typer.testing import CliRunner

from dataengine.active.label_export import run as label_export
from dataengine.active.label_import import Imported
from dataengine.active.label_import import run as label_import
from dataengine.active.labelling.sent import pictures_path, read_sent, sent_path
from dataengine.active.labelling.untouched import LabelImportParams
from dataengine.active.manifest.files import read_selection
from dataengine.active.selection import run as run_selection
from dataengine.cli import app, main
from dataengine.coco_json import read_people, write_people
from dataengine.errors import InputError
from dataengine.files import sha256_file
from dataengine.labels.joint_weights import joint_weights, with_joint_weights
from dataengine.labels.label_file import read_label_file
from dataengine.labels.label_store import read_store, without_superseded
from dataengine.people import object_column
from dataengine.person_scale import area_of_joints

from ..helpers.held_out import held_out_file
from ..helpers.own_sigmas import params_with_own_sigmas
from .conftest import Project, make_project
from .test_selection import OUT, inputs, select
from .test_selection import PARAMS as SELECT_PARAMS

TOOL, LABELS = Path("tool/coco.json"), Path("data/labels")
PARAMS = LabelImportParams(moved_px=1.0, max_untouched_share=0.95, untouched="refuse", untouched_weight=0.5)
MARK, DROP = replace(PARAMS, untouched="mark"), replace(PARAMS, untouched="drop")
JOINTS = 8 * 16  # eight people in four pictures; the teacher labels no left ear


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Project]:
    """A project with a selection, made once; tests work in copies."""
    with pytest.MonkeyPatch.context() as patch:
        folder = tmp_path_factory.mktemp("made")
        patch.chdir(folder)
        project = make_project(folder)
        select(project)
        yield project


@pytest.fixture
def selected(made: Project, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Project:
    """A selection in the working folder."""
    shutil.copytree(made.root, tmp_path, dirs_exist_ok=True)
    monkeypatch.chdir(tmp_path)
    return replace(made, root=tmp_path)


@pytest.fixture
def exported(selected: Project) -> Project:
    """A selection whose picks went out to the tool."""
    label_export(selection=OUT, out=TOOL)
    return selected


@pytest.fixture
def with_gold(selected: Project) -> Project:
    """The same with two gold frames among the picks."""
    label_export(selection=OUT, out=TOOL, gold=2, seed=3)
    return selected


def bring_back(params: LabelImportParams = PARAMS, **options: Any) -> Imported:
    return label_import(params, labels=TOOL, sent=sent_path(TOOL), out=LABELS, **options)


def edit(change: Callable[[dict[str, Any]], object]) -> None:
    """What a person does in the tool: `change` its file."""
    document = json.loads(TOOL.read_text())
    change(document)
    TOOL.write_text(json.dumps(document))


def shift(annotation: dict[str, Any], by_px: float, joints: range = range(17)) -> None:
    for joint in joints:
        annotation["keypoints"][3 * joint] += by_px if annotation["keypoints"][3 * joint + 2] else 0


def shift_all(by_px: float) -> None:
    def change(document: dict[str, Any]) -> None:
        for annotation in document["annotations"]:
            shift(annotation, by_px)

    edit(change)


def info(done: Imported) -> dict[str, Any]:
    return dict(json.loads(done.path.read_text())["info"])


def test_export_is_prefilled_with_the_teacher_most_wanted_first(exported: Project) -> None:
    people, images = read_people(TOOL, root=exported.root)
    candidates, candidate_images = read_people(exported.candidates, root=exported.root)
    frames = images.frame.tolist()
    picks = read_selection(OUT).picks.values()
    assert frames == [pick["frame"] for pick in sorted(picks, key=lambda pick: pick["rank"])]
    teacher = candidates.take(candidate_images.frame[candidate_images.rows_of(candidates.image_id)] == frames[0])
    assert people.take([0, 1]).visibility.tolist() == teacher.visibility.tolist()
    assert people.keypoints_px[:2] == pytest.approx(teacher.keypoints_px, abs=1e-2)


def test_people_of_whom_no_joint_is_believed_are_left_to_be_drawn(selected: Project) -> None:
    """Their pictures go out all the same, and come back without a fault."""
    scored, images = read_people(OUT / "scored.json", root=selected.root)
    pick = next(iter(read_selection(OUT).picks))
    unseen = scored.extras["sha256"] == pick
    flags = [
        [0] * 17 if hide else value for hide, value in zip(unseen, scored.extras["teacher_visibility"], strict=True)
    ]
    write_people(OUT / "scored.json", scored.with_extra("teacher_visibility", object_column(flags)), images)
    written = label_export(selection=OUT, out=TOOL)
    assert (written.images, written.people) == (4, 6)
    assert bring_back(MARK).people == 6, "what went out comes back as it is"
    shift_all(2.0)
    done = bring_back()
    assert (done.people, done.nobody, done.unanswered) == (6, 0, 1)


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


def test_gold_frames_show_how_well_people_label_and_are_not_learned_from(with_gold: Project) -> None:
    sent = read_sent(sent_path(TOOL))
    _, images = read_people(TOOL, root=with_gold.root)
    assert len(images) == 6 and len(sent.gold_sha256) == 2
    assert (images.video == "studio.mp4").sum() == 2 and images.id.tolist() == [1, 2, 3, 4, 5, 6]
    assert {name for annotation in json.loads(TOOL.read_text())["annotations"] for name in annotation} == {
        "id", "image_id", "category_id", "bbox", "area", "iscrowd", "keypoints", "num_keypoints", "score", "weight",
        "source", "track_id", "sha256", "area_from",
    }, "nothing says which frames are gold"  # fmt: skip
    assert {annotation["area_from"] for annotation in json.loads(TOOL.read_text())["annotations"]} == {"joints"}
    assert sent.gold.extras["area_from"].tolist() == ["box"] * 2, "the truth is measured by its own scale"
    lazy = bring_back(MARK)
    gold = lazy.annotators["unnamed"]["gold"]
    assert gold["oks"] == gold["prelabel_oks"] < 0.9 and gold["people"] == 2

    def correct(document: dict[str, Any]) -> None:
        for annotation in document["annotations"]:
            truth = sent.gold.take(sent.gold.image_id == annotation["image_id"])
            if len(truth):
                triples = np.concatenate([truth.keypoints_px[0], truth.visibility[0][:, None]], axis=1)
                annotation["keypoints"] = triples.astype(float).ravel().tolist()
            else:
                shift(annotation, 3)

    edit(correct)
    done = bring_back()
    gold = done.annotators["unnamed"]["gold"]
    assert gold == {
        "pictures": 2, "people": 2, "missed": 0, "oks": 1.0, "pck": 1.0, "joints_labelled": 1.0,
        "prelabel_oks": gold["prelabel_oks"], "oks_sigmas": "COCO",
    }  # fmt: skip
    kept, kept_images = read_people(done.path, root=with_gold.root)
    assert done.people == len(kept) == 8 and done.unanswered == 0 and set(kept_images.video.tolist()) == {"clip.mp4"}
    assert not set(kept.extras["sha256"].tolist()) & sent.gold_sha256


def test_a_gold_person_who_is_not_labelled_counts_as_missed(with_gold: Project) -> None:
    gold_images = set(read_sent(sent_path(TOOL)).gold.image_id.tolist())

    def miss_one(document: dict[str, Any]) -> None:
        one = min(gold_images)
        document["annotations"] = [a for a in document["annotations"] if a["image_id"] != one]
        next(record for record in document["images"] if record["id"] == one)["nobody"] = True

    edit(miss_one)
    gold = bring_back(MARK).annotators["unnamed"]["gold"]
    assert (gold["pictures"], gold["people"], gold["missed"]) == (2, 2, 1) and gold["oks"] <= 0.5
    edit(
        lambda document: document.update(
            annotations=[a for a in document["annotations"] if a["image_id"] in gold_images]
        )
    )
    edit(lambda document: document.update(images=[r for r in document["images"] if r["id"] in gold_images]))
    with pytest.raises(InputError, match="answers gold frames alone"):
        bring_back(replace(PARAMS, max_untouched_share=1.0))


def test_gold_frames_are_drawn_by_the_seed(selected: Project) -> None:
    files: dict[int, bytes] = {}
    for seed in (0, 0, 1, 2, 3):
        label_export(selection=OUT, out=TOOL, gold=2, seed=seed)
        content = TOOL.read_bytes() + sent_path(TOOL).read_bytes()
        assert files.setdefault(seed, content) == content
    assert len(set(files.values())) > 1
    with pytest.raises(
        InputError, match="gold frames cannot be drawn: expected 0 to 6, the frames with trusted labels, got 7"
    ):
        label_export(selection=OUT, out=TOOL, gold=7)


def test_only_gold_frames_need_the_students_joints(selected: Project) -> None:
    """A selection without them goes out all the same."""
    people, images = read_people(OUT / "labelled.json", root=selected.root)
    extras = {name: column for name, column in people.extras.items() if name != "student_px"}
    write_people(OUT / "labelled.json", people.replace(extras=extras), images)
    with pytest.raises(InputError, match="lack the student's joints; run `dataengine select` again"):
        label_export(selection=OUT, out=TOOL, gold=1)
    assert label_export(selection=OUT, out=TOOL).people == 8


def test_labels_that_are_not_fully_trusted_are_no_gold(selected: Project) -> None:
    """Such as those of somebody who touched nothing: an annotator is not measured by them."""
    people, images = read_people(selected.labelled, root=selected.root)
    half = with_joint_weights(people, np.where(np.arange(len(people))[:, None] < 3, 0.5, np.ones((1, 17))))
    write_people(selected.labelled, half, images)
    select(selected)
    with pytest.raises(InputError, match="expected 0 to 3, the frames with trusted labels"):
        label_export(selection=OUT, out=TOOL, gold=4)
    label_export(selection=OUT, out=TOOL, gold=3)
    hashes = {sha256_file(Path(path)) for path in images.path[:3].tolist()}
    assert not hashes & read_sent(sent_path(TOOL)).gold_sha256


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


def test_gold_frames_may_be_held_out_since_they_are_not_kept(with_gold: Project) -> None:
    sent = read_sent(sent_path(TOOL))
    gold = sent.images.take(np.isin(sent.sha256, sorted(sent.gold_sha256)))
    held_out = held_out_file(with_gold.root, gold.replace(video="", frame=-1))
    assert bring_back(MARK, held_out=held_out).annotators["unnamed"]["gold"]["pictures"] == 2


def test_what_was_answered_leaves_the_candidates(exported: Project) -> None:
    """The round closes: neither labelled frames nor those without anybody are asked for again."""

    def clear_one(document: dict[str, Any]) -> None:
        document["images"][0]["nobody"] = True
        document["annotations"] = document["annotations"][2:]

    edit(clear_one)
    shift_all(4.0)
    done = bring_back()
    answered = set(read_selection(OUT).picks)
    write_people(Path("data/train.json"), *read_people(done.path))
    select(replace(exported, labelled=Path("data/train.json")))
    again = read_selection(OUT)
    assert len(answered) == 4 and not answered & set(again.picks)
    assert not answered & set(again.scored_sha256) and len(answered & set(again.labelled_sha256)) == 3


def test_gold_frames_count_by_the_sigmas_of_the_project(with_gold: Project) -> None:
    section = {"moved_px": 1.0, "max_untouched_share": 0.95, "untouched": "mark", "untouched_weight": 0.5}
    found = []
    for text in ('oks: {sigmas: ""}\n', params_with_own_sigmas(Path())):
        Path("params.yaml").write_text(yaml.safe_dump({"label-import": section}) + text)
        done = CliRunner().invoke(app, ["label-import", "--labels", str(TOOL), "--out", str(LABELS)])
        assert done.exit_code == 0, done.output
        found.append(re.search(r"gold frames OKS (\d\.\d+)", done.output))
    coco, own = (float(match[1]) for match in found if match)
    assert own < coco - 0.01


def test_the_selection_may_be_made_again_while_people_are_labelling(exported: Project) -> None:
    shutil.rmtree(OUT)
    shift_all(2.0)
    assert bring_back().people == 8


def test_the_pool_may_be_made_again_while_people_are_labelling(exported: Project) -> None:
    """The very pictures that went out are kept, though other ones lie in the pool under their names by now."""
    sent = read_sent(sent_path(TOOL))
    _, pool = read_people(exported.candidates, root=exported.root)
    names = [Path(path).name for path in sent.images.path.tolist()]
    assert names == sorted(names) and [name[5:17] for name in names] == [key[:12] for key in sent.sha256.tolist()]
    for path in pool.path.tolist():
        Path(path).write_bytes(Path("real/val_images/0010.png").read_bytes())
    shift_all(3.0)
    done = bring_back()
    file = read_label_file(done.path)
    file.check_pictures()
    assert sorted(file.sha256.tolist()) == sorted(sent.sha256.tolist())
    assert {str(Path(path).parent) for path in file.images.path.tolist()} == {str(LABELS / "pictures")}
    pictures_path(TOOL).rename("kept")
    bring_back(images=Path("kept"))  # the store has them
    shutil.rmtree(LABELS)
    with pytest.raises(
        InputError, match=r"picture tool/coco\.pictures/000.*is missing: expected the one that was sent"
    ):
        bring_back(images=Path("kept"))


def test_pictures_that_changed_after_they_were_selected_do_not_go_out(selected: Project) -> None:
    _, pool = read_people(selected.candidates, root=selected.root)
    for path in pool.path.tolist():
        Path(path).write_bytes(Path("real/val_images/0010.png").read_bytes())
    with pytest.raises(InputError, match=r"has changed since it was selected; run `dataengine select` again"):
        label_export(selection=OUT, out=TOOL)
    assert not TOOL.parent.exists() or not list(TOOL.parent.iterdir())


def test_each_label_says_who_made_it_when_and_from_what(exported: Project) -> None:
    def by_two(document: dict[str, Any]) -> None:
        for record, name in zip(document["images"], ["bob", "anna", "anna", "anna"], strict=True):
            record["annotator"] = name
        for annotation in document["annotations"]:
            shift(annotation, 3)

    edit(by_two)
    done = bring_back()
    known = info(done)
    assert known["annotator_names"] == ["anna", "bob"] and known["number"] == 1 and known["supersedes"] == {}
    assert known["imported"] == {
        "at": known["imported"]["at"],
        "file": "coco.json",
        "file_sha256": sha256_file(TOOL),
        "sent": "coco.sent.json",
        "sent_sha256": sha256_file(sent_path(TOOL)),
        "selection_sha256": read_selection(OUT).digest,
    }
    people, _ = read_people(done.path)
    assert sorted(people.extras["annotator"].tolist()) == ["anna"] * 6 + ["bob"] * 2


def test_an_import_says_what_was_labelled_before_and_changes_none_of_it(
    exported: Project, capsys: pytest.CaptureFixture[str]
) -> None:
    """A part first, then all by another annotator, then that again, and in the end the first part once more."""
    section = {"moved_px": 1.0, "max_untouched_share": 0.95, "untouched": "refuse", "untouched_weight": 0.5}
    Path("params.yaml").write_text(yaml.safe_dump({"label-import": section, "oks": {"sigmas": ""}}))
    shift_all(3.0)
    whole = TOOL.read_text()
    first_image = json.loads(whole)["images"][0]["id"]
    edit(
        lambda d: d.update(
            images=d["images"][:1], annotations=[a for a in d["annotations"] if a["image_id"] == first_image]
        )
    )
    part = TOOL.read_text()

    def told(text: str, by: str) -> str:
        TOOL.write_text(text)
        done = CliRunner().invoke(app, ["label-import", "--labels", str(TOOL), "--out", str(LABELS), "--annotator", by])
        assert done.exit_code == 0, done.output
        return " ".join(done.output.split())

    assert "labelled before" not in told(part, "anna")
    (first,) = LABELS.glob("*.json")
    content = first.read_bytes()
    assert f"1 images were labelled before, by anna ({first}, 20" in told(whole, "ben")
    assert "these very labels already" in told(whole, "ben") and len(list(LABELS.glob("*.json"))) == 2
    assert "1 images were labelled before, by ben (" in told(part, "anna")
    store = read_store(LABELS)
    assert [(file.number, file.annotators) for file in store] == [(1, ("anna",)), (2, ("ben",)), (3, ("anna",))]
    assert store[0].path == first and first.read_bytes() == content
    assert [len(file.images) for file in without_superseded(store)] == [0, 3, 1]


def test_labelled_frames_count_from_the_import_on(exported: Project) -> None:
    """Before anybody adds the file to mix.labels; so do their neighbours that show the same."""
    shift_all(3.0)
    answered = {key: entry["frame"] for key, entry in read_selection(OUT).picks.items()}
    bring_back()
    run_selection(SELECT_PARAMS, **inputs(exported), labels=LABELS, out=OUT, report=Path("reports/select"))
    again = read_selection(OUT)
    assert len(answered) == 4 and not set(answered) & {*again.picks, *again.scored_sha256, *again.labelled_sha256}
    Path(read_store(LABELS)[0].images.path[0]).unlink()
    with pytest.raises(InputError, match=r"the label store has labels of.*is missing; .*`dvc pull --force data/labels"):
        run_selection(SELECT_PARAMS, **inputs(exported), labels=LABELS, out=OUT, report=Path("reports/select"))


def test_cvat_gives_back_what_went_out_to_it(with_gold: Project) -> None:
    """Pre-labels and gold frames alike; an unchanged file is refused as human truth, whatever the tool."""
    xml, pictures = Path("tool/cvat.xml"), Path("tool/cvat.pictures")
    written = label_export(selection=OUT, out=xml, format_name="cvat", gold=2, seed=3)
    assert (written.images, written.lost) == (6, {})
    assert len(list(pictures.iterdir())) == 6 and Path("tool/cvat.labels.json").is_file()
    with pytest.raises(InputError, match="where the model had put them"):
        label_import(PARAMS, labels=xml, sent=sent_path(xml), out=LABELS)
    done = label_import(MARK, labels=xml, sent=sent_path(xml), out=LABELS)
    unchanged = bring_back(MARK, annotator="unnamed")
    (by_xml,), (by_coco,) = done.annotators.values(), unchanged.annotators.values()
    assert by_xml == by_coco and by_xml["gold"]["pictures"] == 2
    with pytest.raises(InputError, match=r"--format voc is none for a tool: expected coco \| cvat"):
        label_export(selection=OUT, out=xml, format_name="voc")


def test_joints_outside_of_the_picture_do_not_go_out(selected: Project) -> None:
    """A model may believe in them; an import would refuse them, since nobody can have seen them."""
    scored, images = read_people(OUT / "scored.json", root=selected.root)
    pick = next(iter(read_selection(OUT).picks))
    places = [np.array(place) for place in scored.extras["teacher_px"].tolist()]
    row = int(np.flatnonzero(scored.extras["sha256"] == pick)[0])
    places[row][16] = [-30, 250]
    write_people(
        OUT / "scored.json", scored.with_extra("teacher_px", object_column([each.tolist() for each in places])), images
    )
    label_export(selection=OUT, out=TOOL)
    assert bring_back(MARK).annotators["unnamed"]["untouched"] == JOINTS - 1


def test_the_commands_and_their_one_line_faults(selected: Project, capsys: pytest.CaptureFixture[str]) -> None:
    """Export and import by the command line, with params.yaml."""
    section = {"moved_px": 1.0, "max_untouched_share": 0.95, "untouched": "refuse", "untouched_weight": 0.5}
    Path("params.yaml").write_text(yaml.safe_dump({"label-import": section, "oks": {"sigmas": ""}}))
    out = CliRunner().invoke(app, ["label-export", "--selection", str(OUT), "--out", str(TOOL), "--gold", "1"])
    assert out.exit_code == 0 and "5 images (1 of them gold)" in out.output
    xml = ["label-export", "--selection", str(OUT), "--out", "tool/cvat.xml", "--format", "cvat"]
    assert "paste tool/cvat.labels.json; upload the images of" in CliRunner().invoke(app, xml).output
    back = ["label-import", "--labels", str(TOOL), "--out", str(LABELS), "--annotator", "anna"]
    with pytest.raises(SystemExit) as stopped:
        main(back)
    assert stopped.value.code == 2
    (line,) = capsys.readouterr().err.strip().splitlines()
    assert "anna left" in line and "label-import.untouched" in line and not LABELS.exists()
    section["untouched"] = "mark"
    Path("params.yaml").write_text(yaml.safe_dump({"label-import": section, "oks": {"sigmas": ""}}))
    done = CliRunner().invoke(app, back)
    assert done.exit_code == 0 and "100% untouched: marked" in done.output and "on 1 gold frames OKS" in done.output
    assert len(list(LABELS.glob("*.json"))) == 1
    for key, value in (("untouched", "ignore"), ("moved_px", 0.0), ("max_untouched_share", 1.5)):
        Path("params.yaml").write_text(yaml.safe_dump({"label-import": {**section, key: value}, "oks": {"sigmas": ""}}))
        with pytest.raises(SystemExit):
            main(back)
        assert f"label-import.{key}" in capsys.readouterr().err
