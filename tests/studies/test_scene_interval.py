"""Intervals over scenes, against the normal ones where those hold."""

from collections.abc import Callable

import numpy as np
import pytest
from numpy.typing import NDArray

from dataengine.studies.scene_interval import scene_interval


def _mean_of(values: NDArray[np.float64]) -> Callable[[NDArray[np.int64]], float]:
    return lambda drawn: float(values[drawn].mean())


def test_a_mean_has_the_interval_of_its_standard_error() -> None:
    values = np.random.default_rng(0).normal(5, 2, 400)
    low, high = scene_interval(_mean_of(values), np.ones(400), resamples=2000, level=0.95)
    half = 1.96 * values.std() / 20
    assert (low, high) == pytest.approx((values.mean() - half, values.mean() + half), abs=0.03)


def test_a_single_scene_says_nothing_of_others() -> None:
    assert np.isnan(scene_interval(lambda drawn: 1.0, [7], resamples=10, level=0.95)).all()


def test_draws_without_a_figure_are_left_out() -> None:
    known = np.array([np.nan, 2.0, 2.0])
    assert scene_interval(_mean_of(known), np.ones(3), resamples=100, level=0.95) == (2.0, 2.0)
    assert np.isnan(scene_interval(lambda drawn: float("nan"), np.ones(3), resamples=10, level=0.95)).all()


def test_of_six_scenes_it_holds_the_truth_as_often_as_it_says() -> None:
    """Plain percentiles of a mean of six hold it in five of six trials."""
    held = 0
    for trial in range(150):
        values = np.random.default_rng(trial).normal(0, 1, 6)
        low, high = scene_interval(_mean_of(values), np.ones(6), resamples=200, level=0.95, seed=trial)
        held += low <= 0 <= high
    assert 0.9 <= held / 150 <= 0.99


def test_scenes_of_which_one_holds_nearly_all_are_few() -> None:
    values = np.arange(8.0)
    even, uneven = (
        scene_interval(_mean_of(values), sizes, resamples=500, level=0.95)
        for sizes in (np.ones(8), [100, 5, 5, 5, 5, 5, 5, 5])
    )
    assert uneven[0] < even[0] < even[1] < uneven[1]
