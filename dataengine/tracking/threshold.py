"""The least log odds at which a pair may be one person, chosen on films whose people are known."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from .association import Association
from .pairs import IdentifiedFilm
from .pose_tracker import PoseTracker

TRIED = tuple(np.arange(-6.0, 1.5, 0.5).tolist())
MISSING = 0.2  # of the people in each frame, left out by chance: films are not followed without gaps


def with_best_threshold(association: Association, films: Sequence[IdentifiedFilm], seed: int) -> Association:
    """The association with that of `TRIED` under which the fewest identities are mistaken, the strictest of equals."""
    rng = np.random.default_rng(seed)
    gappy = [_with_gaps(film, rng) for film in films]
    tried = [replace(association, least_log_odds=least) for least in reversed(TRIED)]
    return min(tried, key=lambda each: sum(mistaken_identities(each, film) for film in gappy))


def mistaken_identities(association: Association, film: IdentifiedFilm) -> int:
    """How many ids more than one its people have, and how many people more than one its ids have, in all."""
    tracker = PoseTracker(association)
    pairs = set[tuple[int, int]]()
    for seen, identity in zip(film.seen, film.identity, strict=True):
        pairs |= set(zip(identity.tolist(), tracker(seen).tolist(), strict=True))
    people, ids = {person for person, _ in pairs}, {track for _, track in pairs}
    return (len(pairs) - len(people)) + (len(pairs) - len(ids))


def _with_gaps(film: IdentifiedFilm, rng: np.random.Generator) -> IdentifiedFilm:
    kept: list[NDArray[np.bool_]] = [rng.random(len(seen)) >= MISSING for seen in film.seen]
    return IdentifiedFilm(
        [seen.take(rows) for seen, rows in zip(film.seen, kept, strict=True)],
        [identity[rows] for identity, rows in zip(film.identity, kept, strict=True)],
    )
