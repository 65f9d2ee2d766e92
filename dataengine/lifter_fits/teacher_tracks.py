"""Labelled films as teachers see them: tracks of rays, and the truth in space where it is known."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dataengine.judges.kept import AskedTeachers
from dataengine.lifting.film_cameras import film_places, film_rays
from dataengine.lifting.observed import MeasuredErrors, RayTrack
from dataengine.multiview.qualisys import CalibratedCamera
from dataengine.tracking.labelled_films import LabelledFilm

LEAST_FRAMES = 3


@dataclass(frozen=True, eq=False)
class SeenTrack:
    """A labelled person along one film, as one teacher sees it."""

    teacher: str
    track: RayTrack
    truth_rays: NDArray[np.float64]
    """(f, 17, 2) of the labels; NaN where a joint is not labelled."""
    truth_m: NDArray[np.float64] | None
    """(f, 17, 3) in the camera's frame; NaN where it is not known."""
    labelled: NDArray[np.bool_]
    """(f, 17)"""

    @property
    def arrays(self) -> list[NDArray[Any]]:
        """All that a measurement on it depends on."""
        places = [] if self.truth_m is None else [self.truth_m]
        return [self.track.rays, self.track.confidence, self.labelled, *places]


def seen_tracks(
    films: Sequence[LabelledFilm], asked: AskedTeachers, cameras: Sequence[CalibratedCamera]
) -> list[SeenTrack]:
    """Everybody who is labelled in three frames or more, once for each teacher."""
    found = []
    for film in films:
        people = film.people
        labelled = people.visibility > 0
        true = film_rays(people.keypoints_px, people, film.images, film.name, cameras)
        true = np.where(labelled[..., None], true, np.nan)
        places = film_places(people, film.name, cameras)
        for teacher, answers in asked.about(film).items():
            rays = film_rays(answers.points_px, people, film.images, film.name, cameras)
            for person in film.tracks():
                rows = person.rows
                if len(rows) < LEAST_FRAMES:
                    continue
                track = RayTrack(film.time_s[person.frames], rays[rows], answers.confidence[rows])
                place = None if places is None else places[rows]
                found.append(SeenTrack(teacher, track, true[rows], place, labelled[rows]))
    return found


def measured_errors(seen: Sequence[SeenTrack]) -> MeasuredErrors:
    """The teachers' errors along these tracks."""
    return MeasuredErrors.of([each.track for each in seen], [each.truth_rays for each in seen])
