"""Distances against Python's whole numbers, and the same whatever the blocks."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.spatial.distance import cdist

from dataengine.active.choice import distances
from dataengine.active.choice.distances import nearest_centre, nearest_squared, on_grid, pair_table


@given(seed=st.integers(0, 10_000), width=st.sampled_from([1, 3, 17, 256]), block=st.sampled_from([1, 4, 7, 2048]))
@settings(max_examples=30, deadline=None)
def test_distances_are_exact_whatever_the_blocks(seed: int, width: int, block: int) -> None:
    rng = np.random.default_rng(seed)
    points, centres = rng.normal(size=(11, width)), rng.normal(size=(5, width)) * 100
    (grid, known), step = on_grid(points, centres)
    before, distances._BLOCK = distances._BLOCK, block
    try:
        table, (row, nearest) = pair_table(grid), nearest_centre(grid, known)
    finally:
        distances._BLOCK = before
    whole = [[int(v) for v in point] for point in grid.tolist()]
    exact = [[sum((a - b) ** 2 for a, b in zip(p, q, strict=True)) for q in whole] for p in whole]
    assert max(map(max, exact)) < 2**53
    assert table.tolist() == [[float(np.float32(v)) for v in line] for line in exact]
    assert row.tolist() == cdist(grid, known).argmin(axis=1).tolist()
    assert np.sqrt(nearest) * step == pytest.approx(cdist(points, centres).min(axis=1), rel=1e-4)


def test_nothing_is_near_where_there_is_nothing() -> None:
    (grid, none), step = on_grid(np.zeros((3, 2)), np.empty((0, 2)))
    assert np.isinf(nearest_squared(grid, none)).all() and step == 1
    assert nearest_centre(grid, none)[0].tolist() == [-1] * 3
    assert pair_table(np.empty((0, 4))).shape == (0, 0)


def test_the_first_of_equal_centres_is_nearest() -> None:
    centres = np.array([[5.0], [1.0], [1.0], [5.0]])
    assert nearest_centre(np.array([[1.0], [5.0]]), centres)[0].tolist() == [1, 0]
