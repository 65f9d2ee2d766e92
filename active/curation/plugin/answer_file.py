"""Finished answers as the COCO file that `label-import` takes: finished pictures alone, each with who finished it.

It stands next to the record of what went out (`labelling/sent.py`), whose copies of the pictures it names.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np

from dataengine.boxes import box_from_keypoints
from dataengine.coco_json import people_document
from dataengine.errors import InputError
from dataengine.files import locked_folder, write_json
from dataengine.keypoints import UNLABELLED
from dataengine.people import JOINTS, People
from dataengine.person_scale import with_joint_area

from ...labelling.sent import Sent, read_sent, sent_path
from .joints import JointAnswers
from .journal import read_answers

EXPORTED, ANSWERS = "to_label.json", "answers.json"


def record_path(answers: Path) -> Path:
    """The record of what went out, in the folder of answers."""
    return sent_path(answers / EXPORTED)


def write_answer_file(answers: Path) -> tuple[Path, int]:
    """Write ANSWERS from every finished answer of the folder; returns it, and the number of pictures in it.

    Raises:
        InputError: nothing is finished, or the record is missing or damaged.
    """
    with locked_folder(answers):
        finished = {key: each for key, each in read_answers(answers).items() if each.finished_by}
        if not finished:
            raise InputError("no picture is finished yet", fix="decide on its joints, then finish_image")
        sent = read_sent(record_path(answers))
        finished = {key: finished[key] for key in sent.sha256.tolist() if key in finished}
        path = answers / ANSWERS
        write_json(path, _document(answers, finished, sent))
    return path, len(finished)


def _document(folder: Path, finished: Mapping[str, JointAnswers], sent: Sent) -> dict[str, object]:
    rows = [row for row, key in enumerate(sent.sha256.tolist()) if key in finished]
    images = sent.images.take(rows)
    keys = list(finished)
    people = [(row, person) for row, key in enumerate(keys) for person in finished[key].people if person.labelled]
    visibility = np.array([person.visibility for _, person in people], dtype=np.uint8).reshape(-1, JOINTS)
    points = np.array([person.points_px for _, person in people]).reshape(-1, JOINTS, 2)
    points = np.where(visibility[..., None] > UNLABELLED, points, 0.0)
    table = People.build(
        image_id=images.id[[row for row, _ in people]] if people else [],
        bbox_xywh_px=box_from_keypoints(points, visibility),
        keypoints_px=points,
        visibility=visibility,
        extras={"annotator": [finished[keys[row]].finished_by for row, _ in people]},
    )
    document = people_document(folder, with_joint_area(table), images)
    somebody = {row for row, _ in people}
    for row, (key, record) in enumerate(zip(keys, document["images"], strict=True)):
        record["annotator"] = finished[key].finished_by
        if row not in somebody:
            record["nobody"] = True
    return document
