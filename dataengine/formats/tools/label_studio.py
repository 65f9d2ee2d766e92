"""Label Studio's own JSON: a list of tasks with their annotations, regions in per cent of the picture.

A person is a rectangle; the keypoints below it (`parentID`), or that a relation ties to it, are its joints. In a
picture with one rectangle or none, and each joint once, all joints are those of one person, which is counted; with
several, a joint that is tied to nobody is refused. A keypoint is flag 2 unless a choice or the meta text of its region
says `occluded` (1) or `unlabelled` (0). A choice `nobody` of the picture says that nobody is there.

Each annotation keeps who made it and when, so two annotators of a picture are not mixed. Predictions are not labels,
and skipped tasks are counted. Pictures that were turned in the tool, and turned rectangles, are refused. The tool's
COCO export merges people and is refused (`reading/categories.py`).
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from dataengine.errors import InputError
from dataengine.keypoints import COCO_KEYPOINTS

from ..persons import Persons
from ..picture_search import PictureSearch
from ..pictures import Named, find_pictures
from ..reading.content import (
    LONGEST_ID,
    OTHER_CATEGORY,
    SKIPPED,
    BadRecord,
    Limits,
    Reject,
    SourceContent,
    shown,
)
from ..reading.joints import COCO_MAP, JointMap, spelled
from .label_studio_regions import label_of
from .label_studio_tasks import TaskAnswer, answers_of, picture_of, skipped_in, tasks_of

SHOWN = 5


def read_label_studio(annotations: Path, folder: Path | PictureSearch, limits: Limits) -> SourceContent:
    """Read an export of the kind JSON; pictures are found by the ends of their paths, as `PictureSearch` finds them.

    Raises:
        InputError: the file as a whole is another kind of export, or names no joint that COCO has.
    """
    tasks = tasks_of(annotations, limits)
    answers = [answer for number, task in enumerate(tasks) for answer in answers_of(number, task)]
    bad: list[BadRecord] = []
    named = [_named(number, task, answers, annotations) for number, task in enumerate(tasks)]
    search = PictureSearch([folder]) if isinstance(folder, Path) else folder
    pictures = find_pictures(named, search, limits, bad)
    persons = Persons(_joints(answers, annotations))
    records = len(tasks)
    for answer in answers:
        for group in answer.people():
            records += 1
            try:
                group.add_to(persons, pictures.get(answer.task), answer.columns)
            except Reject as reason:
                where = f"task {shown(tasks[answer.task].get('id', answer.task))}, region {shown(group.name)}"
                bad.append(BadRecord(str(annotations), "annotations", where, str(reason)))
        for label in answer.others():
            records += 1
            persons.pass_over(OTHER_CATEGORY, label[:LONGEST_ID])
    skipped = sum(map(skipped_in, tasks))
    for _ in range(skipped):
        persons.pass_over(SKIPPED)
    return persons.content(list(pictures.values()), bad, records + skipped)


def _named(number: int, task: Mapping[str, Any], answers: Sequence[TaskAnswer], annotations: Path) -> Named | BadRecord:
    name = picture_of(task)
    if not name:
        return BadRecord(str(annotations), "images", str(task.get("id", number))[:LONGEST_ID], "it names no picture")
    sizes = [
        (region.get("original_width"), region.get("original_height"))
        for answer in answers
        if answer.task == number
        for region in answer.regions
        if region.get("original_width") is not None
    ]
    width, height = sizes[0] if sizes and all(size == sizes[0] for size in sizes) else (None, None)
    return Named(number, name, width, height)


def _joints(answers: Sequence[TaskAnswer], annotations: Path) -> JointMap:
    """All joints that the file's keypoints are called, and COCO's."""
    names = dict.fromkeys(spelled(label_of(joint)) for answer in answers for joint in answer.joints)
    if names and not set(names) & set(COCO_KEYPOINTS):
        got = ", ".join(map(shown, list(names)[:SHOWN]))
        fix = "call the labels of KeyPointLabels as COCO does, nose to right_ankle"
        raise InputError(f"{annotations}: labels of the keypoints", expected="names of joints", got=got, fix=fix)
    return JointMap(tuple(names | dict.fromkeys(COCO_MAP.names)))
