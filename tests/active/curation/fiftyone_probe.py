"""Run by the tests in a process of its own: steps on FiftyOne datasets in the temporary database.

Takes a JSON list of steps, each `build FOLDER NAME`, or `read`, `read_kept`, `touch` or `leave_partial` with NAME;
prints their answers as one line of JSON. The database ends with the process.
"""

import json
import sys
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from dataengine.active.curation.fiftyone_view import TO_LABEL, ensure_dataset, open_fiftyone


def build(folder: str, name: str) -> dict[str, Any]:
    dataset = ensure_dataset(Path(folder), name)
    return {"name": dataset.name, "samples": len(dataset)}


def read(name: str) -> dict[str, Any]:
    fiftyone = open_fiftyone()
    dataset = fiftyone.load_dataset(name)
    view = dataset.load_saved_view(TO_LABEL)
    errors = dataset.match_tags(["train", "val"]).values("student.keypoints.error", unwind=True)
    unlabelled, train = dataset.match_tags("unlabelled").first(), dataset.match_tags("train").first()
    return {
        "name": dataset.name,
        "datasets": fiftyone.list_datasets(),
        "persistent": dataset.persistent,
        "skeleton": [dataset.default_skeleton.labels, dataset.default_skeleton.edges],
        "tags": dataset.count_sample_tags(),
        "picked": dict(zip(view.values("sha256"), view.values("rank"), strict=True)),
        "order": view.values("rank"),
        "uncertainty": dict(zip(dataset.values("sha256"), dataset.values("uncertainty"), strict=True)),
        "errors": dict(Counter(errors)),
        "paths": dataset.values("filepath"),
        "ids": [str(i) for i in dataset.values("id")],
        "unlabelled": {
            "sha256": unlabelled.sha256,
            "student": [k.points for k in unlabelled.student.keypoints],
            "confidence": [k.confidence for k in unlabelled.student.keypoints],
            "teacher": [k.points for k in unlabelled.teacher.keypoints],
            "boxes": [d.bounding_box for d in unlabelled.people.detections],
            "scores": [unlabelled[f"uncertainty_{n}"] for n in ("spread", "entropy", "flip", "teacher")],
        },
        "train": {
            "sha256": train.sha256,
            "truth": [k.points for k in train.ground_truth.keypoints],
            "visibility": [k.visibility for k in train.ground_truth.keypoints],
            "students": len(train.student.keypoints),
            "errors": [k.error for k in train.student.keypoints],
        },
    }


def read_kept(name: str) -> dict[str, Any]:
    """`read` of the one dataset that was kept aside for its hand work."""
    (kept,) = [other for other in open_fiftyone().list_datasets() if other != name]
    return read(kept)


def leave_partial(name: str) -> dict[str, Any]:
    """What a build that was killed half-way leaves."""
    partial = open_fiftyone().Dataset(f"{name}-partial", persistent=True)
    return {"name": partial.name}


def touch(name: str) -> dict[str, Any]:
    """What a person does in the App: tag a sample."""
    sample = open_fiftyone().load_dataset(name).first()
    sample.tags.append("looked at")
    sample.save()
    return {"sha256": sample.sha256}


STEPS: dict[str, Callable[..., dict[str, Any]]] = {
    "build": build,
    "leave_partial": leave_partial,
    "read": read,
    "read_kept": read_kept,
    "touch": touch,
}

if __name__ == "__main__":
    answers = [STEPS[name](*arguments) for name, *arguments in json.loads(sys.argv[1])]
    print("ANSWER " + json.dumps(answers, default=lambda v: np.asarray(v).tolist()))
