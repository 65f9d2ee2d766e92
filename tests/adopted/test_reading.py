"""AnswerForm to joints: every grid is the inverse of how a network would write it; decoders against public formulas."""

from typing import Any, get_args

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dataengine.adopted.contract import AnswerForm, Axes, Grid, Units
from dataengine.adopted.maps import read_axis, read_heatmaps
from dataengine.adopted.reading import read
from dataengine.nets import heatmap, simcc

SIZE = (192, 256)
PLACES = np.array([[[30.0, 200.0], [100.25, 64.5]] * 6])  # (1, 12, 2)


def written(places: np.ndarray, grid: Grid, cells: tuple[float, float]) -> np.ndarray:
    """The numbers by which a network of that grid gives places in an input of `SIZE`."""
    size, n = np.array(SIZE), np.array(cells)
    if grid == "align corners":
        return places * np.maximum(n - 1, 1) / (size - 1)
    if grid == "half pixel":
        return (places + 0.5) * n / size - 0.5
    return (places + (0.5 if grid == "corner" else 0.0)) * n / size


@given(st.sampled_from(get_args(Grid)), st.sampled_from(get_args(Units)), st.sampled_from(get_args(Axes)))
def test_coordinates_are_read_as_they_were_written(grid: Grid, units: Units, axes: Axes) -> None:
    numbers = written(PLACES, grid, SIZE if units == "pixels" else (1, 1))
    numbers = numbers[..., ::-1] if axes == "yx" else numbers
    answers = AnswerForm("points", 12, "out", units=units, axes=axes, grid=grid)
    np.testing.assert_allclose(read({"out": numbers}, answers, *SIZE).keypoints_px[:, 0], PLACES, atol=1e-9)


@pytest.mark.parametrize("grid", ["stride", "half pixel", "align corners"])
def test_a_gaussian_map_is_read_to_a_fraction_of_a_cell(grid: Grid) -> None:
    cells = written(PLACES, grid, (48, 64))
    y, x = np.mgrid[:64, :48]
    apart = (x - cells[..., 0, None, None]) ** 2 + (y - cells[..., 1, None, None]) ** 2
    maps = np.exp(-apart / 8)
    answers = AnswerForm("heatmap", 12, "maps", decode="dark", grid=grid)
    found = read({"maps": maps}, answers, *SIZE)
    np.testing.assert_allclose(found.keypoints_px[:, 0], PLACES, atol=0.1)
    turned = AnswerForm("heatmap", 12, "maps", layout="channels last", decode="dark", grid=grid)
    same = read({"maps": maps.transpose(0, 2, 3, 1)}, turned, *SIZE)
    np.testing.assert_array_equal(same.keypoints_px, found.keypoints_px)
    assert (found.confidence > 0.9).all() and (found.score == 1).all()


def test_a_quarter_cell_is_added_towards_the_higher_neighbour() -> None:
    maps = np.zeros((1, 1, 5, 6))
    maps[0, 0, 2, 3], maps[0, 0, 2, 4], maps[0, 0, 1, 3] = 1.0, 0.5, 0.25
    np.testing.assert_array_equal(read_heatmaps(maps, "quarter")[0], [[[3.25, 1.75]]])
    np.testing.assert_array_equal(read_heatmaps(maps, "argmax")[0], [[[3, 2]]])
    edge = np.zeros((1, 1, 5, 6))
    edge[0, 0, 0, 5] = 1.0
    np.testing.assert_array_equal(read_heatmaps(edge, "quarter")[0], [[[5, 0]]])


def test_dark_is_that_of_our_own_heads(rng: np.random.Generator) -> None:
    maps = rng.uniform(0, 1, (2, 3, 16, 12))
    np.testing.assert_array_equal(read_heatmaps(maps, "dark")[0], heatmap.decode(maps, (1.0, 1.0)).keypoints_px)


def test_axes_are_read_as_public_code_and_as_our_own_reads_them(rng: np.random.Generator) -> None:
    logits = rng.normal(0, 3, (2, 4, 64))
    place, height = read_axis(logits, "argmax")
    np.testing.assert_array_equal(place, logits.argmax(axis=-1))
    np.testing.assert_array_equal(height, logits.max(axis=-1))
    probability = simcc.softmax(logits)
    expected = simcc.decode(probability, probability, split=1.0)
    place, sure = read_axis(logits, "mean")
    np.testing.assert_allclose(place, expected.keypoints_px[..., 0])
    np.testing.assert_allclose(sure**2, expected.confidence)


def test_what_is_not_finite_is_read_as_nothing() -> None:
    maps = np.full((1, 1, 9, 9), np.nan)
    assert np.isfinite(read_heatmaps(maps, "dark")[0]).all()
    assert np.isfinite(read_axis(np.full((1, 2, 9), np.nan), "mean")[0]).all()
    points = read({"out": np.full((1, 12, 3), np.inf)}, AnswerForm("points", 12, "out", per_joint=3), 8, 8)
    assert np.isfinite(points.keypoints_px).all() and (points.confidence == 0).all()


@pytest.mark.parametrize(
    ("answers", "tensors"),
    [
        (
            AnswerForm("detections", 12, "t", per_joint=3, first=5, score=4),
            lambda t: {"t": t["table"].transpose(0, 2, 1)},
        ),
        (
            AnswerForm("detections", 12, "t", layout="channels last", per_joint=3, first=5, score=4),
            lambda t: {"t": t["table"]},
        ),
        (
            AnswerForm("detections", 12, "k", "d", layout="channels last", per_joint=3, score=4),
            lambda t: {"k": t["joints"].reshape(1, 4, 12, 3), "d": t["table"][..., :5]},
        ),
        (
            AnswerForm("detections", 12, "k", "l", layout="channels last", per_joint=3, score=-1, sigmoid=False),
            lambda t: {"k": t["joints"], "l": t["table"][..., 4:5]},
        ),
    ],
)
def test_lists_of_detections_are_read_from_whatever_holds_them(
    answers: AnswerForm, tensors: Any, rng: np.random.Generator
) -> None:
    joints = rng.uniform(0, 100, (1, 4, 12, 3))
    joints[..., 2] = rng.uniform(0, 1, (1, 4, 12))
    score = rng.uniform(0, 1, (1, 4, 1))
    flat = joints.reshape(1, 4, 36)
    table = np.concatenate([np.zeros((1, 4, 4)), score, flat], axis=2)
    found = read(tensors({"table": table, "joints": flat}), answers, *SIZE)
    np.testing.assert_allclose(found.keypoints_px, joints[..., :2])
    np.testing.assert_allclose(found.confidence, joints[..., 2])
    np.testing.assert_allclose(found.score, score[..., 0])


@pytest.fixture
def rng() -> np.random.Generator:
    return np.random.default_rng(0)
