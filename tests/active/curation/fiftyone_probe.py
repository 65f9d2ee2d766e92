"""Run by the tests in a process of its own: steps on FiftyOne datasets in the temporary database.

Takes a JSON list of steps, each `build FOLDER NAME`, `curate NAME`, or another one of `STEPS` with NAME;
prints their answers as one line of JSON. The database ends with the process.
"""

import json
import sys
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from dataengine.active.curation.brain_map import LIKENESS, MAP
from dataengine.active.curation.curating import curated
from dataengine.active.curation.database import open_fiftyone
from dataengine.active.curation.fiftyone_view import ensure_dataset
from dataengine.active.curation.run_tables import selection_tables
from dataengine.active.curation.views import LIKELY_MISTAKES, TO_LABEL
from dataengine.errors import EnvironmentFault


def build(folder: str, name: str) -> dict[str, Any]:
    dataset = ensure_dataset(selection_tables(Path(folder)), name)
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


def mistakes(name: str) -> dict[str, Any]:
    """The saved view of likely mistakes, image by image; none where the selection knows of no mistakes."""
    dataset = open_fiftyone().load_dataset(name)
    if not dataset.has_saved_view(LIKELY_MISTAKES):
        return {"views": dataset.list_saved_views()}
    view = dataset.load_saved_view(LIKELY_MISTAKES)
    return {
        "chance": view.values("mistake_probability"),
        "says": view.values("ground_truth.keypoints.mistake"),
        "of": view.values("ground_truth.keypoints.mistake_probability"),
    }


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


def edit(name: str) -> dict[str, Any]:
    """What a person does in the App: move the student's first joint of the first unlabelled sample."""
    sample = open_fiftyone().load_dataset(name).match_tags("unlabelled").first()
    sample.student.keypoints[0].points[0] = [0.25, 0.5]
    sample["note"] = "moved"
    sample.save()
    return {"sha256": sample.sha256}


def curate(name: str) -> dict[str, Any]:
    """The whole run, as `dataengine curate` builds it."""
    dataset = ensure_dataset(curated(Path("out/select"), Path("params.yaml")), name)
    return {"name": dataset.name, "samples": len(dataset), "views": dataset.list_saved_views()}


def content(name: str) -> dict[str, Any]:
    """All that is in a dataset, by sha256, but for when it was written."""
    dataset = open_fiftyone().load_dataset(name)
    dropped = ("created_at", "last_modified_at")
    samples = {s.sha256: {k: v for k, v in s.to_dict().items() if k not in dropped} for s in dataset}
    schema = {path: str(field) for path, field in dataset.get_field_schema(flat=True).items()}
    views = {view: dataset.load_saved_view(view).values("sha256") for view in dataset.list_saved_views()}
    results = {key: dataset.load_brain_results(key) for key in sorted(dataset.list_brain_runs())}
    runs = {key: (each.points if key == MAP else each.embeddings).tolist() for key, each in results.items()}
    return {"samples": samples, "schema": schema, "views": views, "runs": runs}


def drop(name: str) -> dict[str, Any]:
    """The dataset is lost."""
    open_fiftyone().delete_dataset(name)
    return {}


def foreign(name: str) -> dict[str, Any]:
    """A dataset that somebody made by hand has the name."""
    fiftyone = open_fiftyone()
    fiftyone.Dataset(name, persistent=True).add_sample(fiftyone.Sample(filepath="/x.png"))
    try:
        curate(name)
    except EnvironmentFault as fault:
        return {"said": str(fault), "samples": len(fiftyone.load_dataset(name))}
    return {"said": "", "samples": len(fiftyone.load_dataset(name))}


def see(name: str) -> dict[str, Any]:
    """Figures of people, as a person reads them in the App."""
    dataset = open_fiftyone().load_dataset(name)
    champion = dataset.exists("champion").values(["sha256", "champion.keypoints.models_oks", "models_oks"])
    return {
        "champion": [list(row) for row in zip(*champion, strict=True)],
        "oks": dataset.match_tags("train").values(["student.keypoints.oks", "student_oks"]),
        "pseudo": dataset.exists("pseudo").values("pseudo.keypoints.kept"),
        "reasons": dataset.exists("pseudo").first().pseudo.keypoints[0].reasons,
        "tags": dataset.count_sample_tags(),
        "sources": dataset.count_values("source"),
        "rounds": dataset.distinct("round"),
        "mapped": len(dataset.load_brain_results(MAP).points),
        "alike": alike(dataset),
    }


def alike(dataset: Any) -> dict[str, Any]:
    """The pictures most like the first one, as the App sorts them, and by their embeddings."""
    index = dataset.load_brain_results(LIKENESS)
    first = str(index.sample_ids[0])
    sorted_by_app = dataset.sort_by_similarity(first, brain_key=LIKENESS, k=5).values("id")
    far = np.linalg.norm(index.embeddings - index.embeddings[0], axis=1)
    return {"app": sorted_by_app, "own": [str(index.sample_ids[row]) for row in np.argsort(far, kind="stable")[:5]]}


STEPS: dict[str, Callable[..., dict[str, Any]]] = {
    "build": build,
    "content": content,
    "curate": curate,
    "drop": drop,
    "edit": edit,
    "foreign": foreign,
    "leave_partial": leave_partial,
    "mistakes": mistakes,
    "read": read,
    "read_kept": read_kept,
    "see": see,
    "touch": touch,
}

if __name__ == "__main__":
    answers = [STEPS[name](*arguments) for name, *arguments in json.loads(sys.argv[1])]
    print("ANSWER " + json.dumps(answers, default=lambda v: np.asarray(v).tolist()))
