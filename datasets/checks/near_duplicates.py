"""Near duplicates among 100,000 pictures and more: which hashes lie within a few bits, without comparing all pairs.

Multi-index hashing (M. Norouzi, A. Punjani, D. Fleet, "Fast Search in Hamming Space with Multi-Index Hashing", CVPR
2012): two 64-bit hashes that differ in at most r bits differ in at most r // 4 bits in one of their four 16-bit parts.
So only pairs that (nearly) share a part are compared. `near_pairs` finds them all; `clusters` joins them into groups.
"""

from collections.abc import Iterator
from itertools import combinations

import numpy as np
from numpy.typing import NDArray

from dataengine.errors import ParamsError
from dataengine.leakage.perceptual_hash import correlations, hamming

PARTS, PART_BITS = 4, 16
MOST_BITS = 11  # from 12 on a part may differ in three bits: 697 look-ups each, no faster than comparing all pairs
_CANDIDATES_AT_ONCE = 4_000_000  # pairs compared together: about 100 MiB

RowPairs = tuple[NDArray[np.int64], NDArray[np.int64]]


def near_pairs(hashes: NDArray[np.uint64], bits: int) -> RowPairs:
    """All pairs of rows (first < second) whose hashes (n,) differ in at most `bits` bits, sorted, each once.

    Rows with the very same hash are paired with their first row only: a thousand copies make 999 pairs, not half a
    million. Pairs of different hashes are between first rows. The connected groups are the same.
    """
    if not 0 <= bits <= MOST_BITS:
        raise ParamsError("near-duplicate bits", expected=f"0 to {MOST_BITS}", got=str(bits))
    unique, first_row, which = np.unique(hashes, return_index=True, return_inverse=True)
    copies = np.flatnonzero(first_row[which] != np.arange(len(hashes)))
    pairs_found = [np.stack([first_row[which[copies]], copies])]
    for a, b in _candidates(unique, bits // PARTS):
        near = hamming(unique[a], unique[b]) <= bits
        pairs_found.append(np.stack([first_row[a[near]], first_row[b[near]]]))
    pairs = np.unique(np.sort(np.concatenate(pairs_found, axis=1), axis=0), axis=1)
    return pairs[0], pairs[1]


def _candidates(unique: NDArray[np.uint64], part_bits: int) -> Iterator[RowPairs]:
    """Pairs of rows with a 16-bit part that differs in at most `part_bits` bits; a pair may come from several parts."""
    parts = np.ascontiguousarray(unique).view(np.uint16).reshape(-1, PARTS)
    for part in parts.T:
        order = np.argsort(part, kind="stable")
        count = np.bincount(part, minlength=1 << PART_BITS)
        start = np.cumsum(count) - count
        for flipped in _flips(part_bits):
            neighbour = part ^ flipped
            rows = np.flatnonzero(
                (neighbour >= part) & (count[neighbour] > 0)
            )  # from the smaller of the two parts only
            for first, second in _expanded(order, rows, start[neighbour[rows]], count[neighbour[rows]]):
                once = slice(None) if flipped else first < second
                yield first[once], second[once]


def _flips(most: int) -> list[np.uint16]:
    """Every 16-bit word with at most `most` bits set."""
    return [
        np.uint16(sum(1 << bit for bit in bits)) for k in range(most + 1) for bits in combinations(range(PART_BITS), k)
    ]


def _expanded(
    order: NDArray[np.int64], rows: NDArray[np.int64], start: NDArray[np.int64], count: NDArray[np.int64]
) -> Iterator[RowPairs]:
    """rows[i] with each of order[start[i] : start[i] + count[i]], in blocks of bounded size."""
    ends = np.cumsum(count)
    begin = 0
    while begin < len(rows):
        before = ends[begin] - count[begin]
        stop = max(begin + 1, int(np.searchsorted(ends, before + _CANDIDATES_AT_ONCE, side="right")))
        counts = count[begin:stop]
        offset = np.arange(counts.sum()) - np.repeat(np.cumsum(counts) - counts, counts)
        yield np.repeat(rows[begin:stop], counts), order[np.repeat(start[begin:stop], counts) + offset]
        begin = stop


def near_duplicates(
    hashes: NDArray[np.uint64], thumbnails: NDArray[np.uint8], *, bits: int, correlation: float
) -> RowPairs:
    """`near_pairs` whose grey thumbnails (n, 32, 32) correlate by at least `correlation`, too.

    64 bits describe layout, not content: without the second test two skylines would pass for one.
    """
    first, second = near_pairs(hashes, bits)
    same = correlations(thumbnails, first, second) >= correlation
    return first[same], second[same]


def clusters(count: int, pairs: RowPairs) -> NDArray[np.int64]:
    """(count,) the smallest row of the group that each row is joined to by a chain of pairs; its own when alone."""
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components

    graph = coo_array((np.ones(len(pairs[0]), dtype=bool), pairs), shape=(count, count))
    _, label = connected_components(graph, directed=False)
    smallest = np.full(count, count, dtype=np.int64)
    np.minimum.at(smallest, label, np.arange(count))
    return smallest[label]
