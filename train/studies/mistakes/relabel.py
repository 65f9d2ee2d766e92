"""What putting labels right does to a student: the first of the ranking, as many by chance, none, or all of them.

Every student is fitted from the same weights on the same number of people, and measured on people whose labels were
left as they are.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from dataengine.evaluation.figures import figures_of
from dataengine.files import read_json, write_json
from dataengine.inference.running.predict import load_runner, predict_people
from dataengine.people import Images, People
from dataengine.studies.settings import json_hash

from ...mistakes.folds import fit_on
from ...mistakes.params import FindMistakesParams
from ...mistakes.search import labels_hash
from .inject import Injected

ARMS = {
    "none": "as they are, with the mistakes",
    "random": "as many corrected, chosen by chance",
    "ranked": "the first of the ranking corrected",
    "all": "every mistake corrected, missing people labelled",
}
"""Labels of a student -> in words."""


@dataclass(frozen=True)
class Student:
    """One fit."""

    arm: str
    seed: int
    corrected: int
    """People with a made mistake whose labels were put right."""
    ap: float
    pck_02: float


@dataclass(frozen=True, eq=False)
class HeldOutPeople:
    """People that nobody learns from: to draw curves by, and to measure on."""

    validated: People
    test: People


def corrected_rows(arm: str, injected: Injected, order: NDArray[np.int64], count: int, seed: int) -> NDArray[np.int64]:
    """Rows of the people who are put right in an arm; `order` ranks those who kept their labels."""
    kept = injected.kept
    match arm:
        case "none":
            return kept[:0]
        case "random":
            return kept[np.random.default_rng(seed).permutation(len(kept))[:count]]
        case "ranked":
            return kept[order[:count]]
        case _:
            return np.arange(len(injected.kind))


def with_corrected(truth: People, injected: Injected, rows: NDArray[np.int64]) -> People:
    """The people to learn from where `rows` are put right: they, and all others who kept their labels."""
    points, boxes, flags = (
        getattr(injected.people, name).copy() for name in ("keypoints_px", "bbox_xywh_px", "visibility")
    )
    points[rows], boxes[rows] = truth.keypoints_px[rows], truth.bbox_xywh_px[rows]
    flags[rows] = truth.visibility[rows]
    corrected = injected.people.replace(keypoints_px=points, bbox_xywh_px=boxes, visibility=flags)
    return corrected.take(np.union1d(injected.kept, rows))


def students(
    params: FindMistakesParams,
    truth: People,
    injected: Injected,
    order: NDArray[np.int64],
    share: float,
    held_out: HeldOutPeople,
    images: Images,
    *,
    seeds: tuple[int, ...],
    folder: Path,
) -> Iterator[Student]:
    """Seed by seed a student of every arm; one that is in `folder` is not fitted again."""
    count = round(share * len(injected.kept))
    for seed in seeds:
        own = replace(params, seed=seed)
        for arm in ARMS:
            rows = corrected_rows(arm, injected, order, count, seed)
            people = with_corrected(truth, injected, rows)
            corrected = int((injected.kind[rows] != "").sum())
            ap, pck = _measured(own, people, held_out, images, folder / f"{arm}-{seed}")
            yield Student(arm, seed, corrected, ap, pck)


def _measured(
    params: FindMistakesParams, people: People, held_out: HeldOutPeople, images: Images, place: Path
) -> tuple[float, float]:
    """AP and PCK@0.2 of a student of `people` on the test people, from the folder if they are there."""
    key = json_hash([params.deciding, labels_hash(people, images), labels_hash(held_out.test, images)])
    folder = place.with_name(f"{place.name}-{key}")
    if (folder / "score.json").is_file():
        score = read_json(folder / "score.json")
        return float(score["AP"]), float(score["PCK@0.2"])
    fit_on(params, people, images, held_out.validated, folder / "model", folder / "report")
    runner, meta = load_runner(folder / "model")
    found = predict_people(runner, meta, held_out.test, images, flip_test=True, description=place.name)
    figures = figures_of(held_out.test, images, found.as_people(held_out.test))
    write_json(folder / "score.json", {"AP": figures.ap, "PCK@0.2": figures.pck_02})
    return figures.ap, figures.pck_02
