"""Everybody along labelled films as one table: a teacher's joints, which of them are right, and what judges trust."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from dataengine.errors import InputError
from dataengine.judges.known_tracks import KnownTrack
from dataengine.judges.table import TOGETHER, signs_of, trust_of
from dataengine.judges.together import learned_together
from dataengine.people import Images, People
from dataengine.tracking.labelled_films import LabelledFilm


@dataclass(frozen=True, eq=False)
class JudgedPeople:
    """n people who are labelled in three frames of a film or more."""

    people: People
    """With their labels."""
    images: Images
    points_px: NDArray[np.float64]  # (n, 17, 2) the teacher's
    right: NDArray[np.bool_]  # (n, 17) labelled, and the teacher's joint fits the label
    trust: Mapping[str, NDArray[np.float64]]
    """By judge (n, 17)."""
    signs: NDArray[np.float64]  # (n, 17, judges) for the judge that is learned from all

    def with_learned(self, known: NDArray[np.bool_]) -> Mapping[str, NDArray[np.float64]]:
        """The trusts and that of all judges together, learned from the labels of the people `known` (n,)."""
        labelled = (self.people.visibility > 0) & known[:, None]
        learned = learned_together([self.signs[labelled]], [self.right[labelled]])
        return self.trust if learned is None else {**self.trust, TOGETHER: learned(self.signs)}


def judged_people(films: Sequence[LabelledFilm], tracks: Sequence[KnownTrack], teacher: str) -> JudgedPeople:
    """One teacher's answers as a table, with the judges that have something to say of every track.

    Raises:
        InputError: nobody is labelled in three frames or more.
    """
    if not tracks:
        raise InputError("nobody can be judged", expected="people who are labelled in three frames or more")
    of_film = {film.name: film.people for film in films}
    trusts = [trust_of(known.track, teacher) for known in tracks]
    judges = [name for name in trusts[0] if all(name in trust for trust in trusts)]
    people = People.concat([of_film[known.film].take(known.rows) for known in tracks])
    images = Images.concat([film.images for film in films])
    return JudgedPeople(
        people=people,
        images=images.take(np.isin(images.id, people.image_id)),
        points_px=np.concatenate([known.track.answers[teacher].points_px for known in tracks]),
        right=np.concatenate([known.right[teacher] & known.labelled for known in tracks]),
        trust={name: np.concatenate([trust[name] for trust in trusts]) for name in judges},
        signs=np.concatenate([signs_of({name: trust[name] for name in judges}) for trust in trusts]),
    )
