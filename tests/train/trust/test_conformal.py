"""The cutoff against binomial tails in exact arithmetic, and its promise on simulated people."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import binom

from dataengine.errors import ParamsError
from dataengine.train.trust.conformal import cutoff, least_groups, wrong_tail


@given(st.integers(1, 300), st.floats(0.5, 0.99), st.data())
def test_the_tail_is_the_binomial_one(accepted: int, precision: float, data: st.DataObject) -> None:
    wrong = data.draw(st.integers(0, accepted))
    ours = wrong_tail(np.array([wrong]), np.array([accepted]), precision)
    np.testing.assert_allclose(ours, binom.cdf(wrong, accepted, 1 - precision), rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("precision", [0.6, 0.9, 0.97])
def test_the_least_number_of_groups_is_the_first_that_suffices(precision: float) -> None:
    least = least_groups(precision, 0.8)
    assert precision**least <= 0.2 < precision ** (least - 1)


def test_the_last_step_before_the_first_failure_is_taken() -> None:
    """A plain search over all steps, with the tail summed from binomial coefficients in exact fractions."""
    rng = np.random.default_rng(5)
    score = rng.normal(size=300)
    right = rng.random(300) < 1 / (1 + np.exp(-2 - 2 * score))
    order = np.argsort(-score)
    best, count = None, 60  # a fifth
    while count <= 300:
        wrong = int((~right[order[:count]]).sum())
        tail = math.fsum(math.comb(count, k) * 0.1**k * 0.9 ** (count - k) for k in range(wrong + 1))
        if tail > 0.2:
            break
        best, count = score[order[count - 1]], count + 6
    assert best is not None and count < 300
    least = cutoff(score, right, np.arange(300), precision=0.9, confidence=0.8)
    assert least is not None and (score >= least).tolist() == (score >= best).tolist()
    assert least == pytest.approx((best + score[score < best].max()) / 2)


@pytest.mark.parametrize(("groups", "per_group"), [(200, 1), (120, 6)])
def test_accepted_joints_are_right_as_often_as_asked_with_the_confidence_stated(groups: int, per_group: int) -> None:
    """Also where people of a group are right or wrong together: half of them share one draw."""
    rng = np.random.default_rng(11)
    missed, reached = 0, []
    trials = 300
    for _ in range(trials):
        score, chance = _people(rng, groups, per_group)
        together = np.repeat(rng.random(groups), per_group)
        drawn = np.where(rng.random(len(score)) < 0.5, together, rng.random(len(score)))
        least = cutoff(score, drawn < chance, np.repeat(np.arange(groups), per_group), precision=0.9, confidence=0.8)
        if least is not None:
            new_score, new_chance = _people(rng, 4000, 1)
            precision = new_chance[new_score >= least].mean()
            missed += precision < 0.9
            reached.append(precision)
    assert len(reached) > trials / 2
    assert missed / trials <= 0.2 + 3 * math.sqrt(0.2 * 0.8 / trials)
    assert 0.9 <= np.mean(reached) <= 0.94


def _people(rng: np.random.Generator, groups: int, per_group: int) -> tuple[np.ndarray, np.ndarray]:
    score = np.repeat(rng.normal(size=groups), per_group) + 0.5 * rng.normal(size=groups * per_group)
    return score, 1 / (1 + np.exp(-1.8 - 1.5 * score))


def test_a_long_film_counts_as_one_picture() -> None:
    """A thousand right frames of one film do not outweigh sixty scenes of which a third is wrong."""
    score = np.concatenate([np.ones(1000), np.linspace(0, 0.9, 60)])
    right = np.concatenate([np.ones(1000, bool), np.arange(60) % 3 > 0])
    group = np.concatenate([np.zeros(1000, int), np.arange(1, 61)])
    assert cutoff(score, right, np.arange(1060), precision=0.9, confidence=0.8) is not None
    assert cutoff(score, right, group, precision=0.9, confidence=0.8) is None


def test_joints_that_may_not_be_accepted_never_are() -> None:
    assert cutoff(np.full(90, -np.inf), np.ones(90, bool), np.arange(90), precision=0.9, confidence=0.8) is None
    none = np.empty(0)
    assert cutoff(none, none.astype(bool), none.astype(int), precision=0.9, confidence=0.8) is None
    tied = cutoff(np.zeros(90), np.ones(90, bool), np.arange(90), precision=0.9, confidence=0.8)
    assert tied == 0.0


@pytest.mark.parametrize("precision", [0.0, 1.0, -1.0])
def test_a_precision_that_is_no_share_is_refused(precision: float) -> None:
    with pytest.raises(ParamsError, match="target_precision"):
        least_groups(precision, 0.8)
