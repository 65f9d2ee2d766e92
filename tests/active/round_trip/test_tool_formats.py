"""Picks go out to Label Studio with the model's answer, are corrected there, and come back."""

import json
from pathlib import Path

import numpy as np

from dataengine.active.label_export import run as label_export
from dataengine.active.label_import import run as label_import
from dataengine.active.labelling.for_tools import how_to_load
from dataengine.active.labelling.sent import read_sent, sent_path
from dataengine.coco_json import read_people
from dataengine.labels.label_file import read_label_file

from ..conftest import Project
from ..selecting import OUT
from .conftest import LABELS, PARAMS

SHIFT_PX = 3.0


def corrected(sent: Path, back: Path) -> None:
    """Every joint moved, nobody in the first picture. The server stores pictures under names of its own."""
    tasks = json.loads(sent.read_text())
    for number, task in enumerate(tasks):
        task["data"]["image"] = "/data/upload/1/0a1b2c3d-" + task["data"]["image"].rpartition("/")[2]
        (prediction,) = task.pop("predictions")
        for region in prediction["result"]:
            if region["type"] in ("keypointlabels", "choices"):
                region["value"]["x"] += 100 * SHIFT_PX / region["original_width"]
        nobody = [{"id": "n", "type": "choices", "from_name": "picture", "value": {"choices": ["nobody"]}}]
        result = prediction["result"] if number else nobody
        task["annotations"] = [{"completed_by": {"email": "anna"}, "result": result}]
    back.write_text(json.dumps(tasks))


def test_out_to_label_studio_and_back_keeps_people_flags_and_fractions(selected: Project) -> None:
    sent, back = Path("tool/out.json"), Path("tool/back.json")
    written = label_export(selection=OUT, out=sent, format_name="label-studio")
    assert sent.with_suffix(".config.xml").is_file()
    assert any("out.config.xml" in line for line in how_to_load("label-studio", sent, written))
    corrected(sent, back)
    done = label_import(PARAMS, labels=back, sent=sent_path(sent), out=LABELS)
    went = read_sent(sent_path(sent))
    wanted = went.prelabels.take(went.prelabels.image_id != went.images.id[0])
    assert (done.people, done.nobody, done.unanswered) == (len(wanted), 1, 0)
    assert done.annotators["anna"]["untouched"] == 0
    kept, _ = read_people(done.path)
    order, theirs = (np.argsort(people.keypoints_px.sum(axis=(1, 2)), kind="stable") for people in (kept, wanted))
    np.testing.assert_array_equal(kept.visibility[order], wanted.visibility[theirs])
    labelled = kept.visibility[order] > 0
    moved = wanted.keypoints_px[theirs] + np.array([SHIFT_PX, 0])
    np.testing.assert_allclose(kept.keypoints_px[order][labelled], moved[labelled], atol=0.002)
    np.testing.assert_allclose(kept.bbox_xywh_px[order], wanted.bbox_xywh_px[theirs], atol=0.002)
    read_label_file(done.path).check_pictures()
