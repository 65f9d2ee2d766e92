"""Maps read at places: scipy's interpolation for heatmaps, and for SimCC its own density."""

import numpy as np
import pytest
from scipy.ndimage import map_coordinates

from dataengine.nets.heads import RTMCC, Heatmap, SimCC
from dataengine.nets.layout import Layout
from dataengine.nets.simcc import bin_centers_px
from dataengine.train.mistakes.map_values import BUMP_PX, FLOOR, map_values

LAYOUT = Layout(32, 48, 17, 2)


def places(rng: np.random.Generator) -> np.ndarray:
    return rng.uniform([-6, -6], [38, 54], (3, 17, 5, 2))


def test_heatmaps_are_read_as_by_scipy() -> None:
    rng = np.random.default_rng(0)
    head, maps = Heatmap(LAYOUT), rng.uniform(0, 1, (3, 17, 12, 8))
    at = places(rng)
    found = map_values(head, (maps,), at)
    for person in range(3):
        for joint in range(17):
            x, y = (at[person, joint] / head.cell_px).T
            expected = map_coordinates(np.pad(maps[person, joint], 1), [y + 1, x + 1], order=1, mode="constant")
            inside = (x > -1) & (x < 8) & (y > -1) & (y < 12)
            np.testing.assert_allclose(found[person, joint][inside] - FLOOR, expected[inside], atol=2e-3)
            np.testing.assert_allclose(found[person, joint][~inside], FLOOR, atol=2e-3)


def test_simcc_is_read_as_the_product_of_its_densities() -> None:
    head = SimCC(LAYOUT)
    x, y = bin_centers_px(64, 2), bin_centers_px(96, 2)
    around = [np.exp(-((axis - middle) ** 2) / 8) for axis, middle in ((x, 10), (y, 30))]
    answer = tuple(np.broadcast_to(a / a.sum(), (1, 17, len(a))) for a in around)
    at = np.broadcast_to(
        np.array([[10.0, 30.0], [12.0, 30.0], [10.0, 33.0], [40.0, 30.0], [10.0, -3.0]]), (1, 17, 5, 2)
    )
    found = map_values(head, answer, at)[0, 0] - FLOOR
    area = 2 * np.pi * 4
    expected = [2 * np.pi * BUMP_PX**2 / area * np.exp(-d / 8) for d in (0, 4, 9)]
    assert found[:3] == pytest.approx(expected, rel=0.02)
    assert found[3:] == pytest.approx(0)
    besides = (*answer, np.ones((1, 17)))
    assert (map_values(RTMCC(LAYOUT, presence=True), besides, at)[0, 0] - FLOOR == found).all()


def test_a_map_that_is_not_finite_says_nothing() -> None:
    maps = np.full((1, 17, 12, 8), np.nan)
    assert map_values(Heatmap(LAYOUT), (maps,), np.full((1, 17, 1, 2), 9.0)) == pytest.approx(FLOOR)
