"""Learning what a score costs in OKS: against scikit-learn, on people made so that the truth is known."""

import numpy as np
import pytest
from numpy.typing import NDArray
from sklearn.isotonic import IsotonicRegression

from dataengine.active.query.expected_loss import (
    LEAST_JOINTS,
    LEAST_OF_A_KIND,
    assess,
    fit_curves,
    weighted_mean,
)

Table = NDArray[np.float64]
ONE = {"spread": 1.0}


def people(n: int, joints: int = 17, seed: int = 0) -> tuple[Table, Table]:
    """Scores (n, j) and losses that rise with them on average, of another steepness for each joint."""
    rng = np.random.default_rng(seed)
    score = rng.gamma(2, 0.03, (n, joints))
    steep = np.linspace(1, 6, joints)
    return score, np.clip(1 - np.exp(-steep * score) + rng.normal(0, 0.05, score.shape), 0, 1)


def test_each_joint_has_the_isotonic_curve_of_its_own() -> None:
    score, loss = people(80)
    loss[:, 3] = np.nan
    loss[LEAST_OF_A_KIND - 1 :, 4] = np.nan
    curves = fit_curves({"spread": score}, loss)
    assert curves is not None
    expected = curves.expected_of("spread", score)
    known = ~np.isnan(loss)
    for joint in (0, 16):
        rows = known[:, joint]
        fit = IsotonicRegression(out_of_bounds="clip").fit(score[rows, joint], loss[rows, joint])
        assert expected[:, joint] == pytest.approx(fit.predict(score[:, joint]))
    of_all = IsotonicRegression(out_of_bounds="clip").fit(score[known], loss[known])
    for joint in (3, 4):
        assert expected[:, joint] == pytest.approx(of_all.predict(score[:, joint])), "too few of that joint"


def test_expected_losses_are_right_on_average_and_do_not_depend_on_the_scores_unit() -> None:
    score, loss = people(200)
    one, other = (fit_curves({"spread": scale * score}, loss) for scale in (1.0, 37.0))
    assert one is not None and other is not None
    expected = one.expected({"spread": score}, ONE)
    assert expected.mean(axis=0) == pytest.approx(loss.mean(axis=0))
    assert other.expected({"spread": 37 * score}, ONE) == pytest.approx(expected)
    beyond = one.expected({"spread": np.full((1, 17), 1e9)}, ONE)
    assert (beyond <= 1).all() and beyond == pytest.approx(expected.max(axis=0)[None])


def test_a_score_that_says_nothing_ranks_nobody() -> None:
    score, loss = people(300)
    noise = np.random.default_rng(9).random(score.shape)
    curves = fit_curves({"spread": score, "flip": noise}, loss)
    assert curves is not None
    by_score, by_noise = (curves.expected_of(n, v) for n, v in (("spread", score), ("flip", noise)))
    assert by_noise.mean(axis=1).std() < 0.25 * by_score.mean(axis=1).std()


def test_too_few_labels_teach_nothing() -> None:
    score, loss = people(LEAST_JOINTS // 17)
    assert fit_curves({"spread": score}, loss) is None
    assert assess({"spread": score}, loss, ONE, np.arange(len(score))) is None
    score, loss = people(100)
    rare = np.where(np.arange(100)[:, None] < 5, score, np.nan)
    curves = fit_curves({"spread": score, "jump": rare}, loss)
    assert curves is not None and set(curves.curves) == {"spread"}


def test_what_is_not_known_is_left_out_of_the_mean() -> None:
    nan = np.nan
    values = {"a": np.array([[0.2, nan, nan]]), "b": np.array([[0.5, 0.5, nan]]), "c": np.array([[0.9, 0.9, 0.9]])}
    mean = weighted_mean(values, {"a": 1.0, "b": 2.0, "c": 0.0})
    assert mean[0, :2] == pytest.approx([0.4, 0.5]) and np.isnan(mean[0, 2])


def test_the_fit_is_judged_on_films_left_out() -> None:
    score, loss = people(120)
    fit = assess({"spread": score}, loss, ONE, np.arange(120) // 30)
    assert fit is not None and fit.people == 120 and fit.joints == 120 * 17
    assert fit.loss == pytest.approx(loss.mean(), abs=1e-3)
    assert fit.error < 0.6 * fit.error_of_mean and fit.rank_correlation is not None and fit.rank_correlation > 0.8
    assert assess({"spread": score}, loss, ONE, np.zeros(120)) is None, "one film: nothing can be left out"
    noise = assess({"spread": np.random.default_rng(1).random(score.shape)}, loss, ONE, np.arange(120) // 30)
    assert noise is not None and (noise.rank_correlation is None or abs(noise.rank_correlation) < 0.3)
