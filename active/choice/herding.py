"""Uncertainty Herding: representative while labels are few, uncertain once they are many, by one rule.

Bae, Oliveira and Sutherland, "Uncertainty Herding: One Active Learning Method for All Label Budgets", ICLR 2025. The
picks S greedily raise the *uncertainty coverage* of the pool, sum_i u_i max_{j in S or labelled} k(x_i, x_j), with
u_i the uncertainty and k(x, y) = exp(-|x - y|^2 / s^2). Where the radius s is large, a pick covers its whole
neighbourhood, and dense regions come first; where it is small, a pick covers itself alone, and the most uncertain come
first. The greedy picks cover at least 1 - 1/e of what the best ones would (the coverage is submodular).

The radius. The paper takes the least distance between two labelled points, which falls as labels grow in number. In
film two neighbouring frames may be both labelled, and that distance is next to nothing from the start. So here it is
the least distance that this budget can keep: spread as many points as are to be picked over the pool, each as far as it
can be from what is labelled and from those before (greedy k-centre), and take the distance at which the last one lands.
It falls with the budget and with the labels alike, and copies of labelled frames do not count.

The uncertainty should be calibrated (`query/expected_loss.py`): as in the paper, scores that say nothing then become
equal, and the rule representative.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from .coverage import add_gains, cover
from .distances import nearest_squared, on_grid, pair_table
from .pool_sample import CHUNK_ROWS, MOST_ROWS, PoolSample, priority_sample

Floats = NDArray[np.floating[Any]]
Indices = NDArray[np.int64]

LEAST_ROWS_A_PICK = 4
"""A sample of the pool has at least this many rows for every pick."""


def herd(
    scores: Floats,
    embeddings: Floats,
    n: int,
    rng: np.random.Generator,
    *,
    labelled: Floats | None = None,
    costs: Floats | None = None,
    most_rows: int = MOST_ROWS,
    chunk: int = CHUNK_ROWS,
) -> Indices:
    """Greedy picks by uncertainty coverage; a candidate's gain is divided by its cost, where `costs` (c,) are given.

    Up to `most_rows` candidates are compared pair by pair. Of more, a sample stands for all: the most uncertain, and
    others by their share of the uncertainty (`pool_sample.py`). `scores` and `embeddings` may be memory maps, of which
    `chunk` rows are read at a time; the picks do not depend on `chunk`. Equal gains go to the lower row. Where nobody
    has an uncertainty, everybody counts alike.
    """
    count = min(n, len(scores))
    picked = np.empty(0, dtype=np.int64)
    known = np.empty((0, embeddings.shape[1])) if labelled is None else np.asarray(labelled)
    seed = int(rng.integers(2**63))
    values: Floats = scores if _any_above_zero(scores, chunk) else np.ones(len(scores), dtype=np.float32)
    while len(picked) < count:
        part = priority_sample(values, most_rows, seed, without=picked, chunk=chunk)
        ask = count - len(picked)
        if len(part.rows) + len(picked) < len(scores):
            ask = min(ask, max(most_rows // LEAST_ROWS_A_PICK, 1))
        points = gather(embeddings, part.rows, chunk)
        own = _herd_sample(part, points, ask, known, None if costs is None else np.asarray(costs)[part.rows])
        picked = np.concatenate([picked, part.rows[own]])
        known = np.concatenate([known, points[own]])
    return picked


def gather(embeddings: Floats, rows: Indices, chunk: int = CHUNK_ROWS) -> Floats:
    """Rows (m,), rising, of embeddings (n, d) that may be a memory map, read `chunk` rows at a time."""
    found = np.empty((len(rows), embeddings.shape[1]), dtype=embeddings.dtype)
    for start in range(0, len(embeddings), chunk):
        first, last = np.searchsorted(rows, (start, start + chunk))
        found[first:last] = embeddings[rows[first:last]]
    return found


def coverage_radius(squared: NDArray[np.float32], nearest: NDArray[np.float32], n: int) -> float:
    """The least distance squared that n picks can keep from each other and from what is labelled, in grid steps.

    Args:
        squared: (m, m) squared distances.
        nearest: (m,) squared distance to the nearest labelled point, inf without any.
        n: picks, at least 1.
    """
    nearest = nearest.copy()
    least = np.inf
    for number in range(n + 1 if np.isinf(nearest).all() else n):
        farthest = int(np.argmax(nearest))
        distance = float(nearest[farthest])
        if number and distance == 0:
            break  # there are fewer different points than picks
        least = distance
        nearest = np.minimum(nearest, squared[farthest])
    return least if 0 < least < np.inf else 1.0


def _herd_sample(part: PoolSample, points: Floats, n: int, labelled: Floats, costs: Floats | None) -> Indices:
    (grid, known), _ = on_grid(points, labelled)
    squared, nearest = pair_table(grid), nearest_squared(grid, known)
    radius = np.float32(coverage_radius(squared, nearest, n))
    covered = np.exp(-nearest / radius)
    kernel = np.exp(np.divide(squared, -radius, out=squared), out=squared)
    gain = np.zeros(len(points))
    add_gains(kernel, part.weight, covered, gain)
    price = np.ones(len(points)) if costs is None else np.asarray(costs, dtype=np.float64)
    is_open = np.ones(len(points), dtype=bool)
    picks: list[int] = []
    while len(picks) < min(n, len(points)):
        pick = int(np.argmax(np.where(is_open, gain / price, -np.inf)))
        picks.append(pick)
        is_open[pick] = False
        cover(kernel, part.weight, covered, gain, pick)
    return np.array(picks, dtype=np.int64)


def _any_above_zero(scores: Floats, chunk: int) -> bool:
    return any(bool((scores[start : start + chunk] > 0).any()) for start in range(0, len(scores), chunk))
