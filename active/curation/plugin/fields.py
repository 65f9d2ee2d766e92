"""Answers in FiftyOne: the field `answer`, of the form that the App's keypoint editor writes.

A person is a `Keypoint` with lists parallel to `points`: `visibility` (COCO's flags) and `decision`. So what somebody
moves, clears or adds in the editor is an answer, too: `current_answer` compares the field with the journal, and takes a
joint that moved for fixed, one that is gone for rejected. A field that still is as `show` left it was not edited: where
the journal says otherwise, the database failed before it heard of that, and the journal counts.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from dataengine.errors import InputError
from dataengine.keypoints import UNLABELLED, VISIBLE
from dataengine.people import JOINTS

from ..fiftyone_view import TO_LABEL
from ..handwork import content_hash
from .joints import DECISIONS, FIXED, OPEN, REJECTED, JointAnswers, PersonAnswer
from .journal import read_answer
from .place import ProjectPlace

ANSWER, FINISHED_BY, OPEN_JOINTS = "answer", "finished_by", "open_joints"
SHOWN = "answer_shown"
"""Hash of the field `answer` as it was last shown."""
GUESSES, TRUTH = ("teacher", "student"), "ground_truth"
SAME_PX = 0.01
"""The database and the journal round differently."""
_BY_LABEL = (ANSWER, *GUESSES, "people")


def declare(dataset: Any) -> None:
    """Give the dataset the fields of the answers, where it has none yet."""
    import fiftyone

    if ANSWER not in dataset.get_field_schema():
        dataset.add_sample_field(ANSWER, fiftyone.EmbeddedDocumentField, embedded_doc_type=fiftyone.Keypoints)
        dataset.add_sample_field(FINISHED_BY, fiftyone.StringField)
        dataset.add_sample_field(OPEN_JOINTS, fiftyone.IntField)
    if SHOWN not in dataset.get_field_schema():
        dataset.add_sample_field(SHOWN, fiftyone.StringField)


def size_of(sample: Any) -> tuple[int, int]:
    """Width and height of the picture in pixels."""
    return int(sample.metadata.width), int(sample.metadata.height)


def guess_of(sample: Any, source: str) -> tuple[PersonAnswer, ...]:
    """What `teacher`, `student` or `ground_truth` says of everybody in the picture, nothing of it decided.

    Raises:
        InputError: no such source, or it says nothing about this picture.
    """
    if source not in (*GUESSES, TRUTH):
        raise InputError(f"unknown source {source!r}", expected=" | ".join((*GUESSES, TRUTH)))
    people = sample[source] if sample.has_field(source) else None
    if people is None:
        raise InputError(f"the {source} says nothing about {sample.filepath}", fix="choose one of the picks (to_label)")
    size = size_of(sample)
    return tuple(PersonAnswer.guessed(*_joints(keypoint, size), size) for keypoint in people.keypoints)


def current_answer(sample: Any, place: ProjectPlace) -> JointAnswers:
    """The answer as it stands: the journal's, with what was edited in the App; at first what the teacher says.

    Raises:
        InputError: the picture was not picked, its answer on disk is damaged, or a person in the field lacks joints.
    """
    sha256 = str(sample["sha256"])
    kept = read_answer(place.answers, sha256)
    if kept is None:
        if TO_LABEL not in sample.tags:
            raise InputError(f"{sample.filepath} is not to be labelled", fix="choose one of the picks (to_label)")
        kept = JointAnswers(sha256=sha256, people=guess_of(sample, GUESSES[0]))
    field = sample[ANSWER] if sample.has_field(ANSWER) else None
    if field is None or (sample.has_field(SHOWN) and sample[SHOWN] == _hash(field)):
        return kept
    edited = tuple(_edited(sample, keypoint, row, kept.people) for row, keypoint in enumerate(field.keypoints))
    same = len(edited) == len(kept.people) and all(map(_is_same, edited, kept.people))
    return kept if same else JointAnswers(sha256=sha256, people=edited)


def show(sample: Any, answer: JointAnswers) -> None:
    """Save the answer in the sample; labels keep their ids, so that what is selected stays selected."""
    import fiftyone

    width, height = size_of(sample)
    old = list(sample[ANSWER].keypoints) if sample[ANSWER] is not None else []
    keypoints = []
    for row, person in enumerate(answer.people):
        keypoint = old[row] if row < len(old) else fiftyone.Keypoint(label="person")
        keypoint.points = [(float(x) / width, float(y) / height) for x, y in person.points_px]
        keypoint["visibility"] = [int(flag) for flag in person.visibility]
        keypoint["decision"] = list(person.decision)
        keypoints.append(keypoint)
    sample[ANSWER] = fiftyone.Keypoints(keypoints=keypoints)
    sample[SHOWN] = _hash(sample[ANSWER])
    sample[FINISHED_BY], sample[OPEN_JOINTS] = answer.finished_by or None, answer.open
    sample.save()


def person_of(sample: Any, selected: Sequence[dict[str, Any]], given: int | None) -> int:
    """The number of the person that is meant: given, or of the one selected label, else the only or first one."""
    if given is not None:
        return given
    wanted = {str(each["label_id"]) for each in selected}
    for field in _BY_LABEL:
        labels = sample[field] if sample.has_field(field) else None
        listed = getattr(labels, "keypoints", None) or getattr(labels, "detections", None) or []
        for row, label in enumerate(listed):
            if str(label.id) in wanted:
                return row
    return 0


def _hash(field: Any) -> str:
    """Hash of all that an editor can change."""
    return content_hash(
        [
            [
                [[None if v is None or not math.isfinite(v) else round(float(v), 9) for v in p] for p in each.points],
                *(list(each[name] or ()) if each.has_field(name) else [] for name in ("visibility", "decision")),
            ]
            for each in field.keypoints
        ]
    )


def _joints(keypoint: Any, size: tuple[int, int]) -> tuple[np.ndarray[Any, Any], np.ndarray[Any, Any]]:
    """Points (17, 2) in pixels and flags (17,); flags that are missing follow from the points."""
    points = np.array([[np.nan if v is None else float(v) for v in point] for point in keypoint.points]) * size
    if points.shape != (JOINTS, 2):
        fix = "draw the whole skeleton, or remove the person"
        raise InputError("a person in the field answer", expected=f"{JOINTS} joints", got=str(len(points)), fix=fix)
    listed = list(keypoint["visibility"] or ()) if keypoint.has_field("visibility") else []
    listed += [None] * (JOINTS - len(listed))
    placed = np.atleast_1d(np.isfinite(points).all(axis=1)).tolist()
    flags = [int(flag or VISIBLE) if here else UNLABELLED for flag, here in zip(listed, placed, strict=True)]
    return points, np.array(flags, dtype=np.uint8)


def _edited(sample: Any, keypoint: Any, row: int, kept: tuple[PersonAnswer, ...]) -> PersonAnswer:
    """A person as the field has it; where that differs from what was kept, the editor decided."""
    points, flags = _joints(keypoint, size_of(sample))
    before = kept[row] if row < len(kept) else None
    decision = []
    for joint in range(JOINTS):
        placed = flags[joint] > UNLABELLED
        if before is None:
            decision.append(FIXED if placed else OPEN)
        elif _joint_is_same(before, joint, points[joint], int(flags[joint])):
            decision.append(before.decision[joint])
        else:
            decision.append(FIXED if placed else REJECTED)
    assert set(decision) <= set(DECISIONS)
    return PersonAnswer(points_px=points, visibility=flags, decision=tuple(decision))


def _joint_is_same(before: PersonAnswer, joint: int, point: Any, flag: int) -> bool:
    if flag == UNLABELLED or before.visibility[joint] == UNLABELLED:
        return flag == int(before.visibility[joint])
    return flag == before.visibility[joint] and bool(np.abs(point - before.points_px[joint]).max() < SAME_PX)


def _is_same(a: PersonAnswer, b: PersonAnswer) -> bool:
    joints = range(JOINTS)
    same = all(_joint_is_same(b, joint, a.points_px[joint], int(a.visibility[joint])) for joint in joints)
    return same and a.decision == b.decision
