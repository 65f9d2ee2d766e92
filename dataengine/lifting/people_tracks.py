"""Tracks of people in a COCO file, as `infer` and `label-video` write it: one for each person of each film."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from dataengine.columns import numbers_of
from dataengine.keypoints import UNLABELLED
from dataengine.multiview.qualisys import CalibratedCamera
from dataengine.people import JOINT_CONFIDENCE, JOINTS, People
from dataengine.tracking.labelled_films import read_films

from .film_cameras import film_rays
from .observed import RayTrack


@dataclass(frozen=True, eq=False)
class PeopleTrack:
    """One person along one film."""

    film: str
    track_id: int
    frames: NDArray[np.int64]
    """(f,) numbers in the film."""
    track: RayTrack


def read_tracks(path: Path, cameras: Sequence[CalibratedCamera] = ()) -> list[PeopleTrack]:
    """Everybody in the films of a file, by film and track. A joint with visibility 0 has no answer.

    Raises:
        InputError: the file is malformed, has no films, people of a film have no `track_id`, or its frames no times
            that grow.
    """
    found = []
    for film in read_films(path):
        people = film.people
        confidence = joint_confidence(people)
        rays = film_rays(people.keypoints_px, people, film.images, film.name, cameras)
        rays = np.where((confidence > 0)[..., None], rays, np.nan)
        for person in film.tracks():
            track = RayTrack(film.time_s[person.frames], rays[person.rows], confidence[person.rows])
            found.append(PeopleTrack(film.name, person.identity, film.images.frame[person.frames], track))
    return found


def joint_confidence(people: People) -> NDArray[np.float64]:
    """How sure a network was of each joint (n, 17); for labels 1. 0 where visibility is 0.

    Raises:
        InputError: a person's confidence is not 17 numbers.
    """
    given = people.extras.get(JOINT_CONFIDENCE)
    labelled = (people.visibility > UNLABELLED).astype(np.float64)
    if given is None:
        return labelled
    sure = [np.ones(JOINTS) if each is None else numbers_of(each, (JOINTS,), JOINT_CONFIDENCE) for each in given]
    stacked = np.stack(sure) if sure else np.ones((0, JOINTS))
    return np.where(labelled > 0, np.clip(np.nan_to_num(stacked), 0, 1), 0.0)
