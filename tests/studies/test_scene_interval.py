"""Intervals over scenes, against the normal ones where those hold."""

import numpy as np
import pytest

from dataengine.studies.scene_interval import scene_interval


def test_a_mean_has_the_interval_of_its_standard_error() -> None:
    values = np.random.default_rng(0).normal(5, 2, 400)
    low, high = scene_interval(lambda drawn: float(values[drawn].mean()), 400, resamples=2000, level=0.95)
    half = 1.96 * values.std() / 20
    assert (low, high) == pytest.approx((values.mean() - half, values.mean() + half), abs=0.03)


def test_a_single_scene_says_nothing_of_others() -> None:
    assert np.isnan(scene_interval(lambda drawn: 1.0, 1, resamples=10, level=0.95)).all()


def test_draws_without_a_figure_are_left_out() -> None:
    known = np.array([np.nan, 2.0, 2.0])
    assert scene_interval(lambda drawn: float(known[drawn].mean()), 3, resamples=100, level=0.95) == (2.0, 2.0)
    assert np.isnan(scene_interval(lambda drawn: float("nan"), 3, resamples=10, level=0.95)).all()
