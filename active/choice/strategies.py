"""Query strategies: which of the candidates to ask about. Each is `(scores, embeddings, n, rng) -> indices`.

A strategy gets the candidates' uncertainty `scores` (c,) in 0..1, their `embeddings` (c, d), the number `n` to pick and
a generator; `labelled` (m, d), where given, are the embeddings that labels already cover, and `costs` (c,) what each
candidate's labels cost, of which only rules that compare gains make use. It returns `min(n, c)` different row indices,
first choice first. Ties go to the lower row, so the order of candidates must itself be a function of their content.

Adding a strategy: write the function, add one line to `STRATEGIES`; `docs/selection.md` says when to use which.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from .gradient_picks import badge
from .herding import herd
from .typicality import most_typical

Floats = NDArray[np.floating[Any]]
Indices = NDArray[np.int64]


class Strategy(Protocol):
    """The signature that every query strategy has."""

    def __call__(
        self,
        scores: Floats,
        embeddings: Floats,
        n: int,
        rng: np.random.Generator,
        *,
        labelled: Floats | None = None,
        costs: Floats | None = None,
    ) -> Indices:
        """Return the rows to label, most wanted first."""
        ...


def random_choice(
    scores: Floats,
    embeddings: Floats,
    n: int,
    rng: np.random.Generator,
    *,
    labelled: Floats | None = None,
    costs: Floats | None = None,
) -> Indices:
    """Uniformly at random: the baseline that a strategy has to beat."""
    return rng.permutation(len(scores))[:n].astype(np.int64)


def most_uncertain(
    scores: Floats,
    embeddings: Floats,
    n: int,
    rng: np.random.Generator,
    *,
    labelled: Floats | None = None,
    costs: Floats | None = None,
) -> Indices:
    """The highest scores, over their cost where that is given."""
    worth = np.asarray(scores, dtype=np.float64) / (1.0 if costs is None else costs)
    return np.argsort(-worth, kind="stable")[:n].astype(np.int64)


def k_centre(
    scores: Floats,
    embeddings: Floats,
    n: int,
    rng: np.random.Generator,
    *,
    labelled: Floats | None = None,
    costs: Floats | None = None,
) -> Indices:
    """Greedy k-centre (Sener & Savarese 2018, algorithm 1): always the candidate farthest from all that is covered.

    Within a factor 2 of the smallest possible covering radius. Without labelled rows it starts at random.
    """
    return _farthest_first(np.ones(len(scores)), embeddings, n, labelled, start=rng)


def uncertain_and_far(
    scores: Floats,
    embeddings: Floats,
    n: int,
    rng: np.random.Generator,
    *,
    labelled: Floats | None = None,
    costs: Floats | None = None,
) -> Indices:
    """Greedy k-centre with each distance multiplied by the candidate's score, so that both must be large.

    Without labelled rows it starts with the most uncertain candidate.
    """
    return _farthest_first(np.asarray(scores, dtype=np.float64), embeddings, n, labelled, start=None)


STRATEGIES: Mapping[str, Strategy] = {
    "random": random_choice,
    "uncertainty": most_uncertain,
    "diversity": k_centre,
    "uncertainty+diversity": uncertain_and_far,
    "herding": herd,
    "badge": badge,
    "typiclust": most_typical,
}
BY_SCORE = ("uncertainty", "uncertainty+diversity", "herding", "badge")
"""Those that the scores have a say in."""


def nearest_distance(points: Floats, centres: Floats) -> NDArray[np.float64]:
    """Euclidean distance (p,) of each point (p, d) to the nearest of the centres (m, d); inf without centres."""
    nearest = np.full(len(points), np.inf)
    for centre in np.asarray(centres, dtype=np.float64):
        nearest = np.minimum(nearest, np.linalg.norm(points - centre, axis=1))
    return nearest


def _farthest_first(
    weights: Floats, embeddings: Floats, n: int, labelled: Floats | None, start: np.random.Generator | None
) -> Indices:
    """Greedy: repeatedly the row with the greatest weight x distance to what is covered or chosen."""
    points = np.asarray(embeddings, dtype=np.float64)
    count = min(n, len(points))
    chosen_rows: list[int] = []
    if labelled is not None and len(labelled):
        distance = nearest_distance(points, labelled)
    elif count:
        chosen_rows.append(int(start.integers(len(points))) if start is not None else int(np.argmax(weights)))
        distance = nearest_distance(points, points[chosen_rows])
    while len(chosen_rows) < count:
        gain = weights * distance
        gain[chosen_rows] = -np.inf
        best = int(np.argmax(gain))
        chosen_rows.append(best)
        distance = np.minimum(distance, np.linalg.norm(points - points[best], axis=1))
    return np.array(chosen_rows, dtype=np.int64)
