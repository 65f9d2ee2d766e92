"""Risk against coverage, by hand."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dataengine.judges.ranking import RankedJoints, judge_figures, risk_curve


@settings(max_examples=50, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 3), st.booleans()), min_size=1, max_size=8), st.integers(0, 99))
def test_risk_is_the_mean_over_orders_of_the_equally_trusted(joints: list[tuple[int, bool]], seed: int) -> None:
    trust, right = np.array([t for t, _ in joints], dtype=float), np.array([r for _, r in joints])
    rng = np.random.default_rng(seed)
    curves = []
    for _ in range(600):
        order = np.lexsort([rng.random(len(trust)), -trust])
        curves.append(np.cumsum(~right[order]) / np.arange(1, len(trust) + 1))
    np.testing.assert_allclose(risk_curve(trust, right), np.mean(curves, axis=0), atol=0.12)


def test_a_judge_that_knows_everything_and_one_that_knows_nothing() -> None:
    rng = np.random.default_rng(0)
    films = [rng.random(200) < 0.8 for _ in range(6)]
    knows = judge_figures([RankedJoints(right + 0.1 * rng.random(200), right) for right in films])
    assert knows.auroc == 1.0 and knows.interval == (1.0, 1.0) and knows.risk[0] == 0.0
    blind = judge_figures([RankedJoints(np.zeros(200), right) for right in films])
    wrong = 1 - np.mean(films)
    assert blind.auroc == 0.5 and blind.aurc == pytest.approx(wrong) and blind.risk == pytest.approx((wrong, wrong))


def test_what_no_camera_sees_ranks_last() -> None:
    trust, right = np.array([-np.inf, -3.0, -1.0]), np.array([False, True, True])
    assert judge_figures([RankedJoints(trust, right)]).auroc == 1.0
    assert risk_curve(trust, right).tolist() == [0, 0, pytest.approx(1 / 3)]


def test_a_single_scene_has_no_interval() -> None:
    figures = judge_figures([RankedJoints(np.array([1.0, 0.0]), np.array([True, False]))])
    assert figures.auroc == 1.0 and np.isnan(figures.interval).all()
