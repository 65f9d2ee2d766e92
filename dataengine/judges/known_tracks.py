"""Tracks of labelled people with the teachers' answers, and which of their joints are right."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from dataengine.errors import InputError
from dataengine.evaluation.ap.oks_formula import joint_similarities
from dataengine.multiview.qualisys import CalibratedCamera
from dataengine.person_scale import person_area
from dataengine.tracking.labelled_films import LabelledFilm
from dataengine.tracking.sightings import person_sizes

from .answers import TeacherAnswers
from .kept import AskedTeachers
from .lifted_pose import Lifter, lifted_errors
from .several_views import other_views_error
from .table import JudgedTrack

RIGHT_FROM = 0.5  # `pseudo-label.right_from`: a joint's own OKS with the label
LEAST_FRAMES = 3  # of a track


@dataclass(frozen=True, eq=False)
class KnownTrack:
    """A labelled person along one film."""

    film: str
    scene: str
    """That of the film: tracks of one scene show the same people and moments."""
    rows: NDArray[np.int64]  # (f,) of the film's people
    track: JudgedTrack
    labelled: NDArray[np.bool_]  # (f, 17)
    right: Mapping[str, NDArray[np.bool_]]
    """By teacher (f, 17)."""


def known_tracks(
    films: Sequence[LabelledFilm],
    asked: AskedTeachers,
    cameras: Sequence[CalibratedCamera],
    lifter: Lifter | None = None,
) -> list[KnownTrack]:
    """All people who are labelled in three frames or more, with what the teachers say in their boxes.

    `cameras` may be empty. Else films whose names begin with a camera's are taken to be synchronised by frame.
    """
    answers = [asked.about(film) for film in films]
    errors = _camera_errors(films, answers, cameras)
    return [
        track
        for film, of_film, error in zip(films, answers, errors, strict=True)
        for track in _tracks(film, of_film, error, lifted_errors(film, of_film, cameras, lifter))
    ]


def _tracks(
    film: LabelledFilm,
    answers: Mapping[str, TeacherAnswers],
    error_px: Mapping[str, NDArray[np.float64]],
    lifted: Mapping[str, NDArray[np.float64]],
) -> list[KnownTrack]:
    found = []
    for person in film.tracks():
        rows = person.rows
        if len(rows) < LEAST_FRAMES:
            continue
        own = film.people.take(rows)
        of_track = {name: each.take(rows) for name, each in answers.items()}
        right = {
            name: joint_similarities(each.points_px, own.keypoints_px, person_area(own)) >= RIGHT_FROM
            for name, each in of_track.items()
        }
        track = JudgedTrack(
            film.time_s[person.frames],
            float(np.median(person_sizes(own.bbox_xywh_px))),
            of_track,
            {name: each[rows] for name, each in error_px.items()},
            {name: each[rows] for name, each in lifted.items()},
        )
        found.append(KnownTrack(film.name, film.scene, rows, track, own.visibility > 0, right))
    return found


def _camera_errors(
    films: Sequence[LabelledFilm], answers: Sequence[Mapping[str, TeacherAnswers]], cameras: Sequence[CalibratedCamera]
) -> list[dict[str, NDArray[np.float64]]]:
    """For each film and teacher the distances (n, 17) from where the other cameras see a joint."""
    none: list[dict[str, NDArray[np.float64]]] = [{} for _ in films]
    pairs = [(row, camera) for row, film in enumerate(films) for camera in cameras if film.name.startswith(camera.name)]
    if not cameras or len(pairs) < 3:
        return none
    for row, _ in pairs:
        if len(np.unique(films[row].people.image_id)) < len(films[row].people):
            raise InputError(f"{films[row].name} shows several people", expected="one, whom all cameras see")
    frames = [_frames_of_people(films[row]) for row, _ in pairs]
    common = np.array(sorted(set.intersection(*(set(each.tolist()) for each in frames))), dtype=np.int64)
    places = [np.array([np.flatnonzero(each == frame)[0] for frame in common], dtype=np.int64) for each in frames]
    sizes = [(int(films[row].images.width[0]), int(films[row].images.height[0])) for row, _ in pairs]
    for name in answers[pairs[0][0]]:
        own = [answers[row][name].take(place) for (row, _), place in zip(pairs, places, strict=True)]
        error = other_views_error(
            np.stack([each.points_px for each in own]),
            np.stack([each.confidence for each in own]),
            [camera for _, camera in pairs],
            sizes,
        )
        for (row, _), place, each in zip(pairs, places, error, strict=True):
            none[row][name] = np.full((len(films[row].people), each.shape[1]), np.inf)
            none[row][name][place] = each
    return none


def _frames_of_people(film: LabelledFilm) -> NDArray[np.int64]:
    return film.images.frame[film.images.rows_of(film.people.image_id)]
