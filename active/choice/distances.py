"""Squared distances between embeddings that come out the same to the last bit, however the work is cut up.

Matrix products are fast, but their last bits depend on block sizes, threads and the library, and a tie or a near tie
between two candidates would fall another way on another machine. So embeddings are first rounded to a grid so fine that
nothing is lost that matters, and so coarse that all sums of products are whole numbers that float64 holds exactly:
then no order of summation makes a difference.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.floating[Any]]

_EXACT_BITS = 53  # of a float64
_BLOCK = 2048  # rows at a time: a block of products is 32 MB


def on_grid(*parts: Floats) -> tuple[list[NDArray[np.float64]], float]:
    """Each part (n, d) in whole steps of one grid, as float64, and the step in the parts' unit.

    With 256 numbers a row the grid has two million steps from the least to the greatest value.
    """
    width = max(parts[0].shape[1], 1)
    largest = max((float(np.abs(part).max()) for part in parts if part.size), default=0.0)
    # |x - y|^2 <= d (2 steps)^2 has to stay below 2^53
    steps = 2.0 ** ((_EXACT_BITS - int(np.ceil(np.log2(width)))) // 2 - 1)
    step = largest / steps if largest > 0 else 1.0
    return [np.rint(np.asarray(part, dtype=np.float64) / step) for part in parts], step


def pair_table(points: Floats) -> NDArray[np.float32]:
    """Squared distances (n, n) of rows (n, d) of a grid, in grid steps squared, each rounded to float32 once."""
    n, squares = len(points), _squares(points)
    table = np.empty((n, n), dtype=np.float32)
    for first in range(0, n, _BLOCK):
        rows = slice(first, first + _BLOCK)
        for start in range(first, n, _BLOCK):
            columns = slice(start, start + _BLOCK)
            block = _block(points[rows], squares[rows], points[columns], squares[columns])
            table[rows, columns] = block
            table[columns, rows] = block.T
    return table


def nearest_squared(points: Floats, centres: Floats) -> NDArray[np.float32]:
    """Squared distance (n,) of each point (n, d) to the nearest of the centres (m, d), all on one grid; inf without."""
    return nearest_centre(points, centres)[1].astype(np.float32)


def nearest_centre(points: Floats, centres: Floats) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Row of the nearest of the centres (m, d) to each point (n, d), the first of equals, and its squared distance.

    All on one grid. Without centres: row -1, distance inf.
    """
    row, nearest = np.full(len(points), -1, dtype=np.int64), np.full(len(points), np.inf)
    squares, centre_squares = _squares(points), _squares(centres)
    for start in range(0, len(centres), _BLOCK):
        columns = slice(start, start + _BLOCK)
        for first in range(0, len(points), _BLOCK):
            rows = slice(first, first + _BLOCK)
            block = _block(points[rows], squares[rows], centres[columns], centre_squares[columns])
            at = block.argmin(axis=1)
            distance = block[np.arange(len(at)), at]
            nearer = distance < nearest[rows]
            nearest[rows] = np.where(nearer, distance, nearest[rows])
            row[rows] = np.where(nearer, at + start, row[rows])
    return row, nearest


def _block(a: Floats, a_squares: Floats, b: Floats, b_squares: Floats) -> NDArray[np.float64]:
    block = a @ b.T
    block *= -2
    block += a_squares[:, None]
    block += b_squares
    return np.asarray(block, dtype=np.float64)


def _squares(points: Floats) -> NDArray[np.float64]:
    return np.asarray(np.einsum("nd,nd->n", points, points), dtype=np.float64)
