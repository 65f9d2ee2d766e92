"""BADGE: k-means++ on embeddings as long as the loss that is expected of them.

Ash et al., "Deep Batch Active Learning by Diverse, Uncertain Gradient Lower Bounds", ICLR 2020. There a candidate is
the gradient that the last layer would get from its likeliest label: the features times how wrong the answer is. A pose
has no likeliest label, so the expected loss takes its place: u_i (x_i, 1), where the 1 stands for the layer's bias and
keeps people apart who lie in the middle of the embedding. k-means++ (Arthur and Vassilvitskii 2007) prefers vectors
that are long, so uncertain, and far from those already taken. The longest comes first, as in the authors' code. Unlike
there the origin counts as taken: that is where the people lie of whom the model is sure, and those that are labelled.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from .herding import gather
from .pool_sample import CHUNK_ROWS, MOST_ROWS, priority_sample

Floats = NDArray[np.floating[Any]]
Indices = NDArray[np.int64]


def badge(
    scores: Floats,
    embeddings: Floats,
    n: int,
    rng: np.random.Generator,
    *,
    labelled: Floats | None = None,
    costs: Floats | None = None,
    most_rows: int = MOST_ROWS,
) -> Indices:
    """k-means++ picks among u_i (x_i, 1). What is labelled has no say, and `costs` neither.

    Of more than `most_rows` candidates a sample by squared length stands for all (`pool_sample.py`), or one four times
    as large as the picks. Where all are taken that differ, the lowest rows follow.
    """
    count = min(n, len(scores))
    values = np.asarray(scores, dtype=np.float64)
    lengths = np.empty(len(values))
    for start in range(0, len(values), CHUNK_ROWS):
        rows = slice(start, start + CHUNK_ROWS)
        lengths[rows] = values[rows] ** 2 * (1 + (np.asarray(embeddings[rows], dtype=np.float64) ** 2).sum(axis=1))
    seed = int(rng.integers(2**63))
    part = priority_sample(lengths, max(most_rows, 4 * count), seed, without=np.empty(0, dtype=np.int64))
    points = np.asarray(gather(embeddings, part.rows), dtype=np.float64)
    vectors = values[part.rows, None] * np.concatenate([points, np.ones((len(points), 1))], axis=1)
    own = lengths[part.rows]
    stands_for = np.divide(part.weight, own, out=np.ones(len(own)), where=own > 0)
    return part.rows[k_means_plus_plus(vectors, stands_for, count, rng)]


def k_means_plus_plus(vectors: Floats, weight: Floats, n: int, rng: np.random.Generator) -> Indices:
    """`n` different rows (m, d): the longest, then each with a chance of weight x squared distance to those taken.

    The origin is taken from the start.
    """
    picks: list[int] = []
    squared = (vectors**2).sum(axis=1)
    is_open = np.ones(len(vectors), dtype=bool)
    while len(picks) < n:
        chance = np.where(is_open, weight * squared, 0.0)
        total = np.cumsum(chance)
        if total[-1] <= 0:
            pick = int(np.argmax(is_open))
        elif not picks:
            pick = int(np.argmax(squared))
        else:
            pick = min(int(np.searchsorted(total, rng.random() * total[-1], side="right")), len(total) - 1)
        squared = np.minimum(squared, ((vectors - vectors[pick]) ** 2).sum(axis=1))
        picks.append(pick)
        is_open[pick] = False
    return np.array(picks, dtype=np.int64)
