"""How well people are followed: HOTA, identity switches and fragments, computed by the library ``trackers``.

Luiten et al., "HOTA: A Higher Order Metric for Evaluating Multi-Object Tracking", IJCV 2021. The library's figures are
TrackEval's. Somebody who comes back under another id counts as a switch there, however long they were away.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dataengine.boxes import pairwise_iou
from dataengine.evaluation.ap.oks_formula import joint_similarities, mean_similarity
from dataengine.people import People
from dataengine.person_scale import person_area
from dataengine.studies.scene_interval import scene_interval

from .box_trackers import trackers_library
from .labelled_films import LabelledFilm

RESAMPLES, LEVEL = 500, 0.95


@dataclass(frozen=True, eq=False)
class FilmScores:
    """What the library says of one film, by similarity: ``box`` and ``oks``."""

    scene: str
    """That of the film: the views of synchronised cameras show the same people and moments."""
    sightings: int
    """Labelled people, frame by frame."""
    hota: dict[str, dict[str, Any]]
    clear: dict[str, dict[str, Any]]


@dataclass(frozen=True)
class TrackerFigures:
    """Over all films of a set."""

    hota_box: float
    hota_oks: float
    interval_oks: tuple[float, float]
    """95 %, scenes resampled whole; NaN for a single one, which says nothing of others."""
    association_oks: float
    """AssA, the part of HOTA that detections do not decide."""
    switches: int
    """By boxes that overlap by half or more."""
    fragments: int
    tracks: int
    """Ids that were given."""


def film_scores(film: LabelledFilm, found: People, ids: NDArray[np.int64]) -> FilmScores:
    """Scores of track `ids` (n,) of the people `found` in a film; those with -1 do not count."""
    trackers_library()
    from trackers.eval import compute_clear_metrics, compute_hota_metrics

    truth_ids, found_ids = [], []
    similar: dict[str, list[NDArray[np.float64]]] = {"box": [], "oks": []}
    for image in film.images.id:
        truth = film.people.take(film.people.image_id == image)
        rows = np.flatnonzero((found.image_id == image) & (ids >= 0))
        seen = found.take(rows)
        truth_ids.append(truth.track_id.astype(np.int64))
        found_ids.append(ids[rows])
        similar["box"].append(pairwise_iou(truth.bbox_xywh_px.astype(np.float64), seen.bbox_xywh_px.astype(np.float64)))
        similar["oks"].append(_oks(truth, seen))
    return FilmScores(
        film.scene,
        len(film.people),
        {name: compute_hota_metrics(truth_ids, found_ids, each) for name, each in similar.items()},
        {name: compute_clear_metrics(truth_ids, found_ids, each) for name, each in similar.items()},
    )


def figures_over(films: Sequence[FilmScores], tracks: int) -> TrackerFigures:
    """The films together."""
    trackers_library()
    from trackers.eval import aggregate_clear_metrics, aggregate_hota_metrics

    scenes: dict[str, list[FilmScores]] = {}
    for film in films:
        scenes.setdefault(film.scene, []).append(film)
    parts = list(scenes.values())
    sizes = [sum(film.sightings for film in part) for part in parts]

    def hota_of(drawn: NDArray[np.int64]) -> float:
        return float(aggregate_hota_metrics([film.hota["oks"] for row in drawn for film in parts[row]])["HOTA"])

    oks = aggregate_hota_metrics([film.hota["oks"] for film in films])
    clear = aggregate_clear_metrics([film.clear["box"] for film in films])
    return TrackerFigures(
        hota_box=float(aggregate_hota_metrics([film.hota["box"] for film in films])["HOTA"]),
        hota_oks=float(oks["HOTA"]),
        interval_oks=scene_interval(hota_of, sizes, resamples=RESAMPLES, level=LEVEL),
        association_oks=float(oks["AssA"]),
        switches=int(clear["IDSW"]),
        fragments=int(clear["Frag"]),
        tracks=tracks,
    )


def _oks(truth: People, seen: People) -> NDArray[np.float64]:
    """OKS (n, m) of each labelled person with each found one."""
    n, m = len(truth), len(seen)
    similarity = joint_similarities(
        np.tile(seen.keypoints_px, (n, 1, 1)),
        np.repeat(truth.keypoints_px, m, axis=0),
        np.repeat(person_area(truth), m),
    )
    return mean_similarity(similarity, np.repeat(truth.visibility > 0, m, axis=0)).reshape(n, m)
