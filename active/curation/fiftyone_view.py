"""The FiftyOne dataset of a selection: a view for people, never the only copy.

Everything in it is made from the files that `select` wrote (`manifest/files.py`), and samples are identified by
their image's sha256, so the dataset can be thrown away and built again. `ensure_dataset` builds it when the database
lacks it or holds another selection; what a person changed in it is set aside, not lost. The saved view
`to_label` shows the picks, most wanted first; `likely_mistakes`, where a selection knows of any, the labelled images
with people whose labels are likely wrong, the likeliest first.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dataengine.errors import EnvironmentFault
from dataengine.keypoints import COCO_KEYPOINTS, COCO_SKELETON, UNLABELLED
from dataengine.people import Images, People
from dataengine.terminal.progress import track
from dataengine.terminal.speech import say

from ..manifest.files import SCORE_NAMES, Selection, read_selection
from .database_turn import one_at_a_time

TO_LABEL, LIKELY_MISTAKES = "to_label", "likely_mistakes"
VIEW_VERSION = 4
"""Raise it when the fields below change, so that datasets of the earlier kind are rebuilt."""
_FIX = "run `make setup`, look at the database's log (~/.fiftyone/var/lib/mongo/log), or set FIFTYONE_DATABASE_URI"


def open_fiftyone() -> Any:
    """Import FiftyOne, which starts its database, quietly and without telemetry.

    Raises:
        EnvironmentFault: FiftyOne is not installed, or its mongod is missing, does not run or cannot write.
    """
    os.environ.setdefault("FIFTYONE_DO_NOT_TRACK", "true")
    # set-up may have put in mongod 6.0, which this FiftyOne runs with but warns about at each start
    os.environ.setdefault("FIFTYONE_DATABASE_VALIDATION", "false")
    try:
        import fiftyone

        fiftyone.list_datasets()
    except ImportError as fault:
        raise EnvironmentFault("FiftyOne cannot be imported", got=str(fault), fix="run `make setup`") from fault
    except Exception as fault:  # its configuration, service and driver errors have no common base
        raise EnvironmentFault("FiftyOne's database does not start", got=str(fault), fix=_FIX) from fault
    return fiftyone


def ensure_dataset(folder: Path, name: str) -> Any:
    """The dataset `name` of the selection in `folder`: as it is when up to date, otherwise rebuilt.

    One process at a time starts the database and builds: two would meet at its port, or build over each other.

    Raises:
        EnvironmentFault: the database fails, or another process keeps it too long.
        InputError: `folder` holds no selection.
    """
    selection = read_selection(folder)
    with one_at_a_time():
        return _ensured(selection, name)


def _ensured(selection: Selection, name: str) -> Any:
    fiftyone = open_fiftyone()
    from pymongo.errors import PyMongoError

    origin = {"selection_sha256": selection.digest, "project": str(Path.cwd()), "view_version": VIEW_VERSION}
    try:
        if fiftyone.dataset_exists(name):
            present = fiftyone.load_dataset(name)
            if all(present.info.get(key) == value for key, value in origin.items()):
                return present
        return _replace(fiftyone, name, selection, origin)
    except PyMongoError as fault:
        raise EnvironmentFault("FiftyOne's database failed", got=str(fault), fix=_FIX) from fault


def _replace(fiftyone: Any, name: str, selection: Selection, origin: Mapping[str, Any]) -> Any:
    """Build under another name and swap, so that a killed build never stands under `name`."""
    partial = f"{name}-partial"
    if fiftyone.dataset_exists(partial):
        fiftyone.delete_dataset(partial)
    dataset = fiftyone.Dataset(partial)
    dataset.default_skeleton = fiftyone.KeypointSkeleton(
        labels=list(COCO_KEYPOINTS), edges=[[a, b] for a, b in COCO_SKELETON]
    )
    dataset.add_sample_field("rank", fiftyone.IntField)  # which no sample has where nothing was picked
    dataset.add_sample_field("why", fiftyone.StringField)
    dataset.add_sample_field("stands_for", fiftyone.IntField)
    samples = _samples(fiftyone, selection)
    dataset.add_samples(track(samples, "FiftyOne samples", unit="image"), num_samples=len(samples), progress=False)
    dataset.create_index("sha256", unique=True)
    dataset.save_view(TO_LABEL, dataset.match_tags(TO_LABEL).sort_by("rank"))
    if "mistake" in selection.labelled.extras:
        doubted = dataset.match(fiftyone.ViewField("mistake_probability") > 0)
        dataset.save_view(LIKELY_MISTAKES, doubted.sort_by("mistake_probability", reverse=True))
    dataset.info = {**origin, "built_at": _last_change(dataset)}
    if fiftyone.dataset_exists(name):
        _retire(fiftyone, fiftyone.load_dataset(name))
    dataset.name = name
    dataset.persistent = True
    return dataset


def _retire(fiftyone: Any, dataset: Any) -> None:
    """Delete a dataset, or, where somebody worked in it after it was built, rename it and keep it."""
    if dataset.info.get("built_at") == _last_change(dataset):
        fiftyone.delete_dataset(dataset.name)
        return
    new_name = f"{dataset.name}-{_last_change(dataset)[:19].replace(':', '-')}"
    dataset.name = new_name
    dataset.persistent = True
    say(f"the previous FiftyOne dataset was edited by hand; it is kept as {new_name!r}")


def _last_change(dataset: Any) -> str:
    newest = dataset.max("last_modified_at") if len(dataset) else None
    return str(newest.isoformat()) if newest else ""


def _samples(fiftyone: Any, selection: Selection) -> list[Any]:
    """One sample per image, in the order of their hashes; the first path where two files are the same picture."""
    tables = (
        (selection.labelled, selection.labelled_images, selection.labelled_sha256, _add_truth),
        (selection.scored, selection.scored_images, selection.scored_sha256, _add_scores),
    )
    samples: dict[str, Any] = {}
    for people, images, sha256, add_labels in tables:
        rows_of_image = _rows_by_image(people, images)
        for row, key in enumerate(sha256):
            if key not in samples:
                samples[key] = _sample(fiftyone, images, row, key)
            add_labels(fiftyone, samples[key], people.take(rows_of_image[row]), images, row)
    for sha256_of_pick, pick in selection.picks.items():
        sample = samples[sha256_of_pick]
        sample.tags.append(TO_LABEL)
        sample["rank"], sample["why"] = int(pick["rank"]), str(pick["why"])
        sample["stands_for"] = int(pick.get("stands_for", 1))  # older selections do not say
    return [samples[key] for key in sorted(samples)]


def _sample(fiftyone: Any, images: Images, row: int, sha256: str) -> Any:
    size = fiftyone.ImageMetadata(width=int(images.width[row]), height=int(images.height[row]))
    path = str(Path(str(images.path[row])).absolute())  # not where a link of DVC leads: its cache knows no suffixes
    sample = fiftyone.Sample(filepath=path, metadata=size, sha256=sha256, rank=None, why=None)
    sample["video"], sample["frame"] = str(images.video[row]), int(images.frame[row])
    return sample


def _add_truth(fiftyone: Any, sample: Any, people: People, images: Images, row: int) -> None:
    """Ground truth of a labelled image, the student's answer, and what is wrong with that (`error`)."""
    size = images.width[row], images.height[row]
    for split in sorted(set(people.extras["split"].tolist())):
        sample.tags.append(split)
    truth = [_keypoint(fiftyone, p, v, size) for p, v in zip(people.keypoints_px, people.visibility, strict=True)]
    if "mistake" in people.extras:
        _add_mistakes(sample, truth, people)
    sample["ground_truth"] = fiftyone.Keypoints(keypoints=truth)
    student = zip(stacked(people, "student_px"), stacked(people, "student_confidence"), strict=True)
    answers = [_keypoint(fiftyone, p, None, size, c) for p, c in student]
    for keypoint, error in zip(answers, people.extras.get("error", ()), strict=False):  # older selections have none
        keypoint["error"] = str(error)
    sample["student"] = fiftyone.Keypoints(keypoints=answers)


def _add_mistakes(sample: Any, truth: list[Any], people: People) -> None:
    """What is likely wrong with each label, and the likeliest of it with the image."""
    chance = people.extras["mistake_probability"].astype(float).tolist()
    for keypoint, says, probability in zip(truth, people.extras["mistake"].tolist(), chance, strict=True):
        keypoint["mistake"], keypoint["mistake_probability"] = str(says), probability
    sample["mistake_probability"] = max(chance)


def _add_scores(fiftyone: Any, sample: Any, people: People, images: Images, row: int) -> None:
    """Student, teacher and uncertainty of an unlabelled image, whose own figures are its least certain person's."""
    size = images.width[row], images.height[row]
    sample.tags.append("unlabelled")
    student = zip(people.keypoints_px, people.visibility, stacked(people, "student_confidence"), strict=True)
    sample["student"] = fiftyone.Keypoints(keypoints=[_keypoint(fiftyone, p, v, size, c) for p, v, c in student])
    teacher = zip(stacked(people, "teacher_px"), stacked(people, "teacher_visibility"), strict=True)
    sample["teacher"] = fiftyone.Keypoints(keypoints=[_keypoint(fiftyone, p, v, size) for p, v in teacher])
    sample["people"] = fiftyone.Detections(detections=[_box(fiftyone, people, i, size) for i in range(len(people))])
    least_certain = int(np.argmax(people.extras["uncertainty"].astype(float)))
    for name, value in _figures(people, least_certain).items():
        sample[name] = value


def _keypoint(
    fiftyone: Any, points_px: NDArray[Any], visibility: NDArray[Any] | None, size: Any, confidence: Any = None
) -> Any:
    """A FiftyOne keypoint: coordinates over the image's size as FiftyOne reads COCO's, NaN for unlabelled joints."""
    shares = np.asarray(points_px, dtype=np.float64) / np.asarray(size, dtype=np.float64)
    keypoint = fiftyone.Keypoint(label="person")
    if visibility is not None:
        shares[np.asarray(visibility) == UNLABELLED] = np.nan
        keypoint["visibility"] = [int(flag) for flag in visibility]
    if confidence is not None:
        keypoint.confidence = [float(c) for c in confidence]
    keypoint.points = [(float(x), float(y)) for x, y in shares]
    return keypoint


def _box(fiftyone: Any, people: People, row: int, size: Any) -> Any:
    x, y, width, height = (float(v) for v in people.bbox_xywh_px[row] / np.array([*size, *size], dtype=np.float64))
    confidence = float(people.score[row])
    return fiftyone.Detection(
        label="person", bounding_box=[x, y, width, height], confidence=confidence, **_figures(people, row)
    )


def _figures(people: People, row: int) -> dict[str, float]:
    """`uncertainty`, and `uncertainty_<name>` for each score that it combines, where known."""
    columns = {"uncertainty": "uncertainty"} | {f"uncertainty_{name}": name for name in SCORE_NAMES}
    values = {field: people.extras[column][row] for field, column in columns.items() if column in people.extras}
    return {field: float(value) for field, value in values.items() if value is not None}


def _rows_by_image(people: People, images: Images) -> list[NDArray[np.int64]]:
    """Rows of `people` for each row of `images`."""
    image_row = images.rows_of(people.image_id)
    order = np.argsort(image_row, kind="stable")
    return np.split(order, np.searchsorted(image_row[order], np.arange(1, len(images))))


def stacked(people: People, column: str) -> NDArray[Any]:
    """An extra column of lists, as JSON brings them back, as one array."""
    return np.array(people.extras[column].tolist())
