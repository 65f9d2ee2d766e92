"""Distance of a teacher's joint from where its own pose, lifted to space over many frames, projects to."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from dataengine.lifting.checkpoint import load_lifter
from dataengine.lifting.film_cameras import film_rays
from dataengine.lifting.lifted import LiftedTrack, lift_track
from dataengine.lifting.observed import RayTrack
from dataengine.multiview.qualisys import CalibratedCamera
from dataengine.tracking.labelled_films import LabelledFilm

from .answers import TeacherAnswers

Lifter = Callable[[RayTrack], LiftedTrack]


def loaded_lifter(folder: Path) -> Lifter:
    """The lifter that `fit-lifter` wrote into `folder`. InputError where it cannot be loaded."""
    net, meta = load_lifter(folder)
    return lambda track: lift_track(net, meta.params, track)


def lifted_errors(
    film: LabelledFilm,
    answers: Mapping[str, TeacherAnswers],
    cameras: Sequence[CalibratedCamera],
    lifter: Lifter | None,
) -> dict[str, NDArray[np.float64]]:
    """By teacher the distances (n, 17), in spreads of the person, of all people of a film; empty without a lifter."""
    if lifter is None:
        return {}
    errors = {}
    for name, of_teacher in answers.items():
        rays = film_rays(of_teacher.points_px, film.people, film.images, film.name, cameras)
        error = np.zeros(rays.shape[:2])
        for person in film.tracks():
            rows = person.rows
            lifted = lifter(RayTrack(film.time_s[person.frames], rays[rows], of_teacher.confidence[rows]))
            error[rows] = np.nan_to_num(lifted.residual)
        errors[name] = error
    return errors
