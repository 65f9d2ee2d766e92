"""Pairs of a track and a new pose to learn from, drawn from films whose people are known.

For each frame, each person in it and each of some gaps, the track up to that frame is paired with everybody who is seen
after the gap. A film has few people, so each track is also paired with a person of another film who is put where its
own person is: position says nothing there, and limbs and colours have to.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from .pair_signs import SIGNS, pair_signs
from .pose_tracker import state_after
from .sightings import Sightings, person_sizes

GAPS = (1, 2, 3, 5, 8, 12, 18)  # frames
HISTORY = 5  # frames of a track before the gap
STRANGER_WEIGHT = 0.3
STRANGER_OFF = 0.2  # standard deviation of a stranger's place, in sizes, and of the log of its size
ALL_SEEN = 0.8  # of a track's frames; the others are left out by chance


@dataclass(frozen=True, eq=False)
class IdentifiedFilm:
    """Who is seen in each frame of a film, and who they are."""

    seen: Sequence[Sightings]
    identity: Sequence[NDArray[np.int64]]
    """For each frame (n,)."""


@dataclass(frozen=True, eq=False)
class AssociationPairs:
    """m pairs of a track and a pose."""

    signs: NDArray[np.float64]  # (m, 10)
    same: NDArray[np.bool_]  # (m,)
    weight: NDArray[np.float64]  # (m,)


def drawn_pairs(films: Sequence[IdentifiedFilm], seed: int) -> AssociationPairs:
    """All pairs of the films with the gaps `GAPS`."""
    rng = np.random.default_rng(seed)
    signs, same, weight = [np.empty((0, len(SIGNS)))], [np.empty(0, dtype=bool)], [np.empty(0)]
    for film in films:
        others = [other for other in films if other is not film and any(len(seen) for seen in other.seen)]
        for end in range(len(film.seen)):
            for person in film.identity[end].tolist():
                state = state_after(_history(film, person, end, rng))
                for gap in (gap for gap in GAPS if end + gap < len(film.seen)):
                    later, who = film.seen[end + gap], film.identity[end + gap]
                    if not len(later):
                        continue
                    signs.append(pair_signs(state, later)[0])
                    same.append(who == person)
                    weight.append(np.ones(len(who)))
                    if others and (who == person).any():
                        own = later.take(np.flatnonzero(who == person)[:1])
                        signs.append(pair_signs(state, _stranger(own, others[rng.integers(len(others))], rng))[0])
                        same.append(np.zeros(1, dtype=bool))
                        weight.append(np.full(1, STRANGER_WEIGHT))
    return AssociationPairs(np.concatenate(signs), np.concatenate(same), np.concatenate(weight))


def _history(film: IdentifiedFilm, person: int, end: int, rng: np.random.Generator) -> list[Sightings]:
    """The person alone in frames up to `end`, some of them left out by chance."""
    frames = [
        at
        for at in range(max(end - HISTORY + 1, 0), end + 1)
        if person in film.identity[at] and (at == end or rng.random() < ALL_SEEN)
    ]
    return [film.seen[at].take(np.flatnonzero(film.identity[at] == person)[:1]) for at in frames]


def _stranger(own: Sightings, film: IdentifiedFilm, rng: np.random.Generator) -> Sightings:
    """Somebody of another film, about where and as large as the person `own`."""
    frames = [seen for seen in film.seen if len(seen)]
    seen = frames[rng.integers(len(frames))]
    other = seen.take(rng.integers(len(seen), size=1))
    size = float(person_sizes(own.boxes_xywh_px)[0])
    scale = size / float(person_sizes(other.boxes_xywh_px)[0]) * float(np.exp(rng.normal(0, STRANGER_OFF)))
    middle = own.boxes_xywh_px[0, :2] + own.boxes_xywh_px[0, 2:] / 2 + rng.normal(0, STRANGER_OFF * size, 2)
    old = other.boxes_xywh_px[0, :2] + other.boxes_xywh_px[0, 2:] / 2
    points = (other.keypoints_px - old) * scale + middle
    sides = other.boxes_xywh_px[:, 2:] * scale
    boxes = np.concatenate([middle[None] - sides / 2, sides], axis=1)
    return Sightings(own.time_s, points, other.confidence, boxes, other.score, other.colours)
