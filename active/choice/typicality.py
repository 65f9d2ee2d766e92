"""TypiClust: the most typical candidate of each region that no label lies in; uncertainty has no say.

Hacohen, Dekel and Weinshall, "Active Learning on a Budget: Opposite Strategies Suit High and Low Budgets", ICML 2022.
Candidates and labelled people are clustered together, into as many clusters as there will be labels. Each pick comes
from the cluster with the fewest labels, the largest of those, and is its most typical member: the one with the least
mean distance to its nearest neighbours. Made for the first labels of a project, when no uncertainty can be trusted.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from .distances import on_grid, pair_table
from .herding import gather
from .pool_sample import MOST_ROWS, priority_sample

Floats = NDArray[np.floating[Any]]
Indices = NDArray[np.int64]

NEIGHBOURS = 20
MOST_CLUSTERS = 500
LEAST_SIZE = 5
"""Clusters with fewer members are left to the end. All three values are the paper's."""


def most_typical(
    scores: Floats,
    embeddings: Floats,
    n: int,
    rng: np.random.Generator,
    *,
    labelled: Floats | None = None,
    costs: Floats | None = None,
    most_rows: int = MOST_ROWS,
) -> Indices:
    """TypiClust picks. Of more than `most_rows` candidates a random part is looked at, or four times the picks."""
    count = min(n, len(scores))
    if not count:
        return np.empty(0, dtype=np.int64)
    seed = int(rng.integers(2**31))
    equal = np.broadcast_to(np.float32(1), len(scores))
    rows = priority_sample(equal, max(most_rows, 4 * count), seed, without=np.empty(0, dtype=np.int64)).rows
    known = np.empty((0, embeddings.shape[1])) if labelled is None else np.asarray(labelled)
    (points, covered), _ = on_grid(gather(embeddings, rows), known)
    cluster = _clusters(np.concatenate([points, covered]), len(known) + count, seed)
    return rows[_typical_of_clusters(points, cluster, count)]


def typicality(squared: NDArray[np.float32]) -> NDArray[np.float64]:
    """One over the mean distance (m,) to the nearest neighbours among m points; inf where they lie on each other.

    `squared` (m, m) squared distances; of one point alone it is 0.
    """
    neighbours = min(NEIGHBOURS, len(squared) - 1)
    if neighbours < 1:
        return np.zeros(len(squared))
    nearest = np.sort(np.sqrt(squared.astype(np.float64)), axis=1)[:, 1 : neighbours + 1]
    with np.errstate(divide="ignore"):
        return np.asarray(1 / nearest.mean(axis=1))


def _clusters(points: Floats, wanted: int, seed: int) -> Indices:
    """The cluster (k,) of each of the points, of at most `wanted` and `MOST_CLUSTERS`."""
    from sklearn.cluster import KMeans  # takes a second to import
    from threadpoolctl import threadpool_limits

    different = len(np.unique(points, axis=0))
    with threadpool_limits(1):  # sums of several threads are joined in any order
        fit = KMeans(min(wanted, MOST_CLUSTERS, different), n_init=1, random_state=seed).fit(points)
    return np.asarray(fit.labels_, dtype=np.int64)


def _typical_of_clusters(points: Floats, cluster: Indices, n: int) -> Indices:
    """`n` rows of points (m, d); `cluster` (m + labelled,) has the labelled people's clusters after the points'."""
    own = cluster[: len(points)]
    kinds = int(cluster.max()) + 1
    labels = np.bincount(cluster[len(points) :], minlength=kinds)
    members = [np.flatnonzero(own == kind) for kind in range(kinds)]
    ranked = [m[np.argsort(-typicality(pair_table(points[m])), kind="stable")].tolist() for m in members]
    picks: list[int] = []
    while len(picks) < n:
        full = [kind for kind in range(kinds) if ranked[kind]]
        kind = min(full, key=lambda k: (len(members[k]) < LEAST_SIZE, labels[k], -len(members[k]), k))
        picks.append(ranked[kind].pop(0))
        labels[kind] += 1
    return np.array(picks, dtype=np.int64)
