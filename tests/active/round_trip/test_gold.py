"""Gold frames: they show how well people label, and are not learnt from."""

import json
import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml
from typer.testing import CliRunner

from dataengine.active.label_export import run as label_export
from dataengine.active.labelling.sent import read_sent, sent_path
from dataengine.cli import app
from dataengine.coco_json import read_people, write_people
from dataengine.errors import InputError
from dataengine.files import sha256_file
from dataengine.labels.joint_weights import with_joint_weights

from ...helpers.held_out import held_out_file
from ...helpers.own_sigmas import params_with_own_sigmas
from ..conftest import Project
from ..selecting import OUT, select
from .conftest import LABELS, MARK, PARAMS, TOOL, bring_back, edit, shift


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


def test_gold_frames_may_be_held_out_since_they_are_not_kept(with_gold: Project) -> None:
    sent = read_sent(sent_path(TOOL))
    gold = sent.images.take(np.isin(sent.sha256, sorted(sent.gold_sha256)))
    held_out = held_out_file(with_gold.root, gold.replace(video="", frame=-1))
    assert bring_back(MARK, held_out=held_out).annotators["unnamed"]["gold"]["pictures"] == 2


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
