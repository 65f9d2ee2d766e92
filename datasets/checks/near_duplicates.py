"""Near duplicates among 100,000 pictures and more: which hashes lie within a few bits, without comparing all pairs.

Multi-index hashing (M. Norouzi, A. Punjani, D. Fleet, "Fast Search in Hamming Space with Multi-Index Hashing", CVPR
2012): two 64-bit hashes that differ in at most r bits differ in at most r // 4 bits in one of their four 16-bit parts.
So only pairs that (nearly) share a part are compared. `near_pairs` finds them all; `clusters` joins them to groups.
"""

from collections.abc import Iterator
from itertools import combinations

import numpy as np
from numpy.typing import NDArray

from dataengine.errors import ParamsError

from .perceptual_hash import correlations, hamming

PARTS, PART_BITS = 4, 16
MOST_BITS = 11  # from 12 on a part may differ in three bits: 697 look-ups each, no faster than comparing all pairs
_CANDIDATES_AT_ONCE = 4_000_000  # pairs compared together: about 100 MiB

Pairs = tuple[NDArray[np.int64], NDArray[np.int64]]


def near_pairs(hashes: NDArray[np.uint64], bits: int) -> Pairs:
    """All pairs of rows (first < second) whose hashes (n,) differ in at most `bits` bits, sorted, each once.

    Rows with the very same hash are paired with their first row only: a thousand copies make 999 pairs, not half a
    million. Pairs of different hashes are given between first rows. The connected groups are the same.
    """
    if not 0 <= bits <= MOST_BITS:
        raise ParamsError("near-duplicate bits", expected=f"0 to {MOST_BITS}", got=str(bits))
    unique, first_row, which = np.unique(hashes, return_index=True, return_inverse=True)
    copies = np.flatnonzero(first_row[which] != np.arange(len(hashes)))
    found = [np.stack([first_row[which[copies]], copies])]
    for a, b in _candidates(unique, bits // PARTS):
        near = hamming(unique[a], unique[b]) <= bits
        found.append(np.stack([first_row[a[near]], first_row[b[near]]]))
    pairs = np.unique(np.sort(np.concatenate(found, axis=1), axis=0), axis=1)
    return pairs[0], pairs[1]


def _candidates(unique: NDArray[np.uint64], part_bits: int) -> Iterator[Pairs]:
    """Pairs of rows with a 16-bit part that differs in at most `part_bits` bits; a pair may come more than once."""
    parts = np.ascontiguousarray(unique).view(np.uint16).reshape(-1, PARTS)
    for part in parts.T:
        order = np.argsort(part, kind="stable")
        ordered = part[order]
        for flipped in _flips(part_bits):
            start = np.searchsorted(ordered, part ^ flipped, side="left")
            count = np.searchsorted(ordered, part ^ flipped, side="right") - start
            yield from _expanded(order, start, count)


def _flips(most: int) -> list[np.uint16]:
    """Every 16-bit word with at most `most` bits set."""
    return [
        np.uint16(sum(1 << bit for bit in bits)) for k in range(most + 1) for bits in combinations(range(PART_BITS), k)
    ]


def _expanded(order: NDArray[np.int64], start: NDArray[np.int64], count: NDArray[np.int64]) -> Iterator[Pairs]:
    """Row i with each of order[start[i] : start[i] + count[i]] that comes after it, in blocks of bounded size."""
    ends = np.cumsum(count)
    row = 0
    while row < len(count):
        before = ends[row] - count[row]
        stop = max(row + 1, int(np.searchsorted(ends, before + _CANDIDATES_AT_ONCE, side="right")))
        counts = count[row:stop]
        first = np.repeat(np.arange(row, stop), counts)
        offset = np.arange(len(first)) - np.repeat(np.cumsum(counts) - counts, counts)
        second = order[np.repeat(start[row:stop], counts) + offset]
        later = second > first
        yield first[later], second[later]
        row = stop


def near_duplicates(
    hashes: NDArray[np.uint64], thumbnails: NDArray[np.uint8], *, bits: int, correlation: float
) -> Pairs:
    """`near_pairs` whose grey thumbnails (n, 32, 32) correlate by at least `correlation`, too.

    64 bits tell layout, not content: without the second look two skylines pass for one.
    """
    first, second = near_pairs(hashes, bits)
    same = correlations(thumbnails, first, second) >= correlation
    return first[same], second[same]


def clusters(count: int, pairs: Pairs) -> NDArray[np.int64]:
    """(count,) the smallest row of the group that each row is joined to by a chain of pairs; its own when alone."""
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components

    graph = coo_array((np.ones(len(pairs[0]), dtype=bool), pairs), shape=(count, count))
    _, label = connected_components(graph, directed=False)
    smallest = np.full(count, count, dtype=np.int64)
    np.minimum.at(smallest, label, np.arange(count))
    return smallest[label]
