"""A part of a large pool that stands for the whole of it, by weight: priority sampling.

Rules that compare every candidate with every other cannot look at a million of them. Duffield, Lund and Thorup,
"Priority sampling for estimation of arbitrary subset sums", J. ACM 2007: draw r_i uniformly from (0, 1], keep the m
rows of the highest priority u_i / r_i, and let t be the highest priority that was not kept. A kept row then weighs
max(u_i, t), and for every set of rows that does not depend on the draw, the kept rows' weights in it sum to the true
sum of u on average. What is more certain than t to matter is always kept, so the most uncertain candidates are; of the
others as many are kept as their share of the pool's uncertainty asks for.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

MOST_ROWS = 16_384
"""Rows of which all pairs are compared: their table takes 1 GB."""
CHUNK_ROWS = 65_536


@dataclass(frozen=True, eq=False)
class PoolSample:
    """Some rows of a pool, in rising order, and what each stands for."""

    rows: NDArray[np.int64]  # (m,)
    weight: NDArray[np.float64]  # (m,) sums over the whole pool, estimated: of u, of those whom the row stands for


def priority_sample(
    values: NDArray[np.floating[Any]], most: int, seed: int, *, without: NDArray[np.int64], chunk: int = CHUNK_ROWS
) -> PoolSample:
    """At most `most` rows of the pool with these values u (n,) >= 0, leaving out the rows `without`.

    `values` may be a memory map: it is read once, `chunk` rows at a time. Row i is given the same r_i whatever the
    chunks and whatever is left out, so the sample does not depend on either. A pool of `most` rows or fewer is taken
    whole, each row with its own value.
    """
    rng = np.random.default_rng(seed)
    priority, row, value = np.empty(0), np.empty(0, dtype=np.int64), np.empty(0)
    for start in range(0, len(values), chunk):
        own = np.asarray(values[start : start + chunk], dtype=np.float64)
        drawn = own / (1.0 - rng.random(len(own)))
        at = np.arange(start, start + len(own))
        keep = ~np.isin(at, without)
        priority, row = np.concatenate([priority, drawn[keep]]), np.concatenate([row, at[keep]])
        value = np.concatenate([value, own[keep]])
        if len(row) > most + 1:
            best = np.lexsort((row, -priority))[: most + 1]
            priority, row, value = priority[best], row[best], value[best]
    if len(row) <= most:
        return PoolSample(row, value)
    threshold = priority[most]
    order = np.argsort(row[:most])
    return PoolSample(row[:most][order], np.maximum(value[:most], threshold)[order])
