"""Time parted in two: what is learnt, and the end of each film, where it is measured.

Films of one moment are parted at the same time, and between the two parts lies a gap, since neighbouring frames look
the same.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from dataengine.errors import InputError

from .films import FollowedFilm, common_frames
from .params import PretrainParams


@dataclass(frozen=True, eq=False)
class PersonTrack:
    """One person along one film, in order of time: m rows of the crops of all films together."""

    rows: NDArray[np.int64]  # (m,)
    time_s: NDArray[np.float64]  # (m,)


@dataclass(frozen=True, eq=False)
class Moments:
    """Synchronised films of one person: m moments seen by v cameras."""

    rows: NDArray[np.int64]  # (m, v) of the crops of all films together; -1 where a camera sees nobody, or several
    time_s: NDArray[np.float64]  # (m,)


@dataclass(frozen=True, eq=False)
class Stretch:
    """The tracks and moments in one part of the time: what is learnt from, or what is held out."""

    tracks: tuple[PersonTrack, ...]
    moments: tuple[Moments, ...]


@dataclass(frozen=True, eq=False)
class Parted:
    """Crops (n, H, W, 3) of all films, and the two parts of their time."""

    crops: NDArray[np.uint8]
    learnt: Stretch
    held: Stretch


def part(groups: Sequence[Sequence[FollowedFilm]], params: PretrainParams) -> Parted:
    """The last `held_share` of each group's time is held out.

    Raises:
        InputError: no person is followed for long enough in both parts to ask for the order of moments, no two cameras
            show one person for long enough to ask for the agreement of views, or neither was to be asked for.
    """
    crops, stretches, start = list[NDArray[np.uint8]](), (_Open(), _Open()), 0
    for films in groups:
        times = np.concatenate([film.time_s for film in films])
        end_s = times.max() - params.held_share * (times.max() - times.min())
        starts = start + np.cumsum([0, *(len(film) for film in films)])
        for stretch, low, high in (
            (stretches[0], -np.inf, end_s - params.margin_s),
            (stretches[1], end_s, np.inf),
        ):
            for film, first in zip(films, starts, strict=False):
                stretch.tracks += _tracks(film, int(first), low, high, params.order_gap_s[0])
            if len(films) > 1:
                stretch.moments += _moments(films, starts, low, high, params.margin_s)
        crops += [film.crops for film in films]
        start = int(starts[-1])
    learnt, held = (Stretch(tuple(each.tracks), tuple(each.moments)) for each in stretches)
    _refuse_short(groups, params, learnt, held)
    return Parted(np.concatenate(crops), learnt, held)


class _Open:
    def __init__(self) -> None:
        self.tracks: list[PersonTrack] = []
        self.moments: list[Moments] = []


def _tracks(film: FollowedFilm, first: int, low: float, high: float, gap_s: float) -> list[PersonTrack]:
    """People who are followed for long enough that three moments `gap_s` apart fit in."""
    found = []
    for identity in np.unique(film.track_id):
        rows = np.flatnonzero((film.track_id == identity) & (film.time_s >= low) & (film.time_s <= high))
        own = PersonTrack(first + rows, film.time_s[rows])
        if len(rows) >= 3 and len(middles(own, gap_s)):
            found.append(own)
    return found


def middles(track: PersonTrack, gap_s: float) -> NDArray[np.int64]:
    """Places (k,) in a track that have a moment at least `gap_s` before and one as long after."""
    inside = (track.time_s - gap_s >= track.time_s[0] - 1e-9) & (track.time_s + gap_s <= track.time_s[-1] + 1e-9)
    return np.flatnonzero(inside)


def _moments(
    films: Sequence[FollowedFilm], starts: NDArray[np.int64], low: float, high: float, margin_s: float
) -> list[Moments]:
    """The common moments of films in step, where two of them lie `margin_s` apart."""
    frames = common_frames(films)
    rows = np.full((len(frames), len(films)), -1, dtype=np.int64)
    time_s = np.zeros(len(frames))
    for view in reversed(range(len(films))):  # the first camera's clock is the one that counts
        alone = films[view].alone()
        _, at, own = np.intersect1d(frames, films[view].frame[alone], return_indices=True)
        rows[at, view] = starts[view] + alone[own]
        time_s[at] = films[view].time_s[alone[own]]
    inside = (time_s >= low) & (time_s <= high)
    rows, time_s = rows[inside], time_s[inside]
    enough = len(time_s) > 1 and np.ptp(time_s) >= margin_s
    return [Moments(rows, time_s)] if enough else []


def _refuse_short(
    groups: Sequence[Sequence[FollowedFilm]], params: PretrainParams, learnt: Stretch, held: Stretch
) -> None:
    if params.views_weight and not params.order_weight and not any(len(films) > 1 for films in groups):
        raise InputError("the agreement of views needs cameras in step", got="no --views", fix="set order_weight")
    longest = max(np.ptp(film.time_s[film.track_id == t]) for fs in groups for film in fs for t in set(film.track_id))
    both = [(learnt, 1 - params.held_share), (held, params.held_share)]
    if params.order_weight and not (learnt.tracks and held.tracks):
        least = max(2 * params.order_gap_s[0] / share for stretch, share in both if not stretch.tracks)
        raise InputError(
            "the films are too short for the order of moments",
            expected=f"a person followed for about {least + params.margin_s:.2g} s",
            got=f"{longest:.2g} s at most",
            fix="name longer films, or set order_gap_s or held_share to fit",
        )
    if params.views_weight and any(len(films) > 1 for films in groups) and not (learnt.moments and held.moments):
        least = max(params.margin_s / share for stretch, share in both if not stretch.moments)
        longest = max(_common_s(films) for films in groups)
        raise InputError(
            "the films are too short for the agreement of views",
            expected=f"one person in two cameras for about {least + params.margin_s:.2g} s",
            got=f"{longest:.2g} s, the last {params.held_share:.0%} held out to measure",
            fix="name longer films, which end together, or set margin_s or held_share to fit",
        )


def _common_s(films: Sequence[FollowedFilm]) -> float:
    """For how long two cameras or more show one person."""
    times = films[0].time_s[np.isin(films[0].frame, common_frames(films))]
    return float(np.ptp(times)) if len(times) else 0.0
