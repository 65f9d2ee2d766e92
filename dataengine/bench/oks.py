"""How fast OKS evaluation is compared with pycocotools and faster-coco-eval, on the same set in one run.

5,000 images, 11,000 people, 50,000 detections. All three start from the same annotation and result dictionaries of
COCO's format in memory, the format both peers read, and end with the ten figures: what each does to the dictionaries
before it counts is part of its time. Ours and the peers' figures must agree, or nothing is reported. A run on a small
set comes first, so that nobody's compiling or importing is timed. Every figure is a median of several runs.
"""

import contextlib
import copy
import io
import statistics
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dataengine.bench.record import Figure
from dataengine.errors import EnvironmentFault
from dataengine.evaluation.ap.matching import pair_up
from dataengine.evaluation.ap.oks import figures
from dataengine.evaluation.ap.poses import detections_of_records, truths_of_records
from dataengine.evaluation.ap.protocol import COCO

IMAGES, PEOPLE, DETECTIONS = 5_000, 11_000, 50_000
RUNS, PEER_RUNS = 7, 3
AGREE = 1e-9
Records = list[dict[str, Any]]


@dataclass(frozen=True)
class CocoSet:
    """A labelled set and detections in it, as COCO's dictionaries."""

    images: Records
    annotations: Records
    results: Records


def run() -> Iterator[Figure]:
    """``oks.vs_pycocotools`` and ``oks.vs_faster_coco_eval``: seconds, and the peer's."""
    small, whole = random_set(50, 110, 500, seed=1), random_set(IMAGES, PEOPLE, DETECTIONS, seed=0)
    peers = {"pycocotools": pycocotools_figures, "faster_coco_eval": faster_coco_eval_figures}
    for score in (our_figures, *peers.values()):
        score(small)
    ours, got = _timed(our_figures, whole, RUNS)
    for name, score in peers.items():
        seconds, expected = _timed(score, whole, PEER_RUNS)
        _check_equal(name, got, expected)
        yield Figure(f"oks.vs_{name}", ours, "s", seconds)


def our_figures(data: CocoSet) -> dict[str, float]:
    """The ten figures by our kernels."""
    truths, image_id = truths_of_records(data.annotations, [image["id"] for image in data.images])
    found = detections_of_records(data.results, image_id, COCO.joints)
    return figures(pair_up(truths, found, image_id))


def pycocotools_figures(data: CocoSet) -> dict[str, float]:
    """The ten figures by `pycocotools.cocoeval.COCOeval`."""
    from pycocotools.coco import COCO as CocoFile
    from pycocotools.cocoeval import COCOeval

    with contextlib.redirect_stdout(io.StringIO()):
        truth = CocoFile()
        truth.dataset = _dataset(data)
        truth.createIndex()
        return _evaluated(COCOeval(truth, truth.loadRes(data.results), "keypoints"))


def faster_coco_eval_figures(data: CocoSet) -> dict[str, float]:
    """The ten figures by `faster_coco_eval.COCOeval_faster`."""
    try:
        from faster_coco_eval import COCO as CocoFile
        from faster_coco_eval import COCOeval_faster
    except ImportError as error:
        fix = 'pip install -c constraints.txt ".[bench]"'
        raise EnvironmentFault("faster-coco-eval is not installed", fix=fix) from error
    with contextlib.redirect_stdout(io.StringIO()):
        truth = CocoFile(_dataset(data))
        return _evaluated(COCOeval_faster(truth, truth.loadRes(data.results), "keypoints"))


def random_set(images: int, people: int, detections: int, seed: int) -> CocoSet:
    """People found with noise of their size, and false detections; scores that mostly rank true above false."""
    rng = np.random.default_rng(seed)
    image = np.sort(rng.integers(0, images, people))
    size, corner = rng.uniform(30, 300, people), rng.uniform(0, 400, (people, 2))
    points = corner[:, None] + rng.uniform(0, 1, (people, 17, 2)) * size[:, None, None]
    flags = rng.choice([0, 1, 2], (people, 17), p=[0.2, 0.2, 0.6])
    seen = np.flatnonzero(rng.uniform(size=people) < 0.9)
    rows = np.concatenate([seen, rng.integers(0, people, detections - len(seen))])
    noise = np.abs(rng.normal(0, 0.03, detections)) + 0.005
    noise[len(seen) :] = rng.uniform(0.05, 0.5, detections - len(seen))
    found = points[rows] + rng.normal(size=(detections, 17, 2)) * (noise * size[rows])[:, None, None]
    score = 1 / (1 + np.exp(12 * noise - 2 + rng.normal(0, 0.7, detections)))
    return CocoSet(
        images=[{"id": row + 1, "width": 800, "height": 800} for row in range(images)],
        annotations=[
            {
                "id": row + 1,
                "image_id": int(image[row]) + 1,
                "category_id": 1,
                "keypoints": _triplets(points[row], flags[row]),
                "num_keypoints": int(np.count_nonzero(flags[row])),
                "bbox": [*corner[row].tolist(), float(size[row]), float(size[row])],
                "area": float(0.6 * size[row] ** 2),
                "iscrowd": 0,
            }
            for row in range(people)
        ],
        results=[
            {
                "image_id": int(image[person]) + 1,
                "category_id": 1,
                "keypoints": _triplets(found[row], np.ones(17)),
                "score": float(score[row]),
            }
            for row, person in enumerate(rows)
        ],
    )


def _timed(score: Callable[[CocoSet], dict[str, float]], data: CocoSet, runs: int) -> tuple[float, dict[str, float]]:
    """Median seconds, and the figures. Each run gets fresh dictionaries, since the peers write into theirs."""
    seconds = []
    for _ in range(runs):
        fresh = copy.deepcopy(data)
        start = time.perf_counter()
        values = score(fresh)
        seconds.append(time.perf_counter() - start)
    return statistics.median(seconds), values


def _check_equal(name: str, got: dict[str, float], expected: dict[str, float]) -> None:
    worst = max(abs(got[figure] - expected[figure]) for figure in got)
    if not worst <= AGREE:
        raise EnvironmentFault(f"{name} gives other figures", expected=f"within {AGREE:g}", got=f"{worst:g} apart")


def _evaluated(evaluator: Any) -> dict[str, float]:
    evaluator.evaluate()
    evaluator.accumulate()
    evaluator.summarize()
    names = ("AP", "AP50", "AP75", "APM", "APL", "AR", "AR50", "AR75", "ARM", "ARL")
    return {name: float(value) for name, value in zip(names, evaluator.stats, strict=False)}


def _dataset(data: CocoSet) -> dict[str, Any]:
    return {
        "info": {},
        "images": data.images,
        "categories": [{"id": 1, "name": "person", "supercategory": "person"}],
        "annotations": data.annotations,
    }


def _triplets(points: NDArray[np.float64], flags: NDArray[Any]) -> list[float]:
    return np.column_stack([points, flags]).round(1).ravel().tolist()
