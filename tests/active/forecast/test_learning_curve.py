"""The forecast: against a reference by sampling, against curves that are known, and at its borders."""

import doctest

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy import stats

from dataengine.active.forecast import learning_curve
from dataengine.active.forecast.learning_curve import GAIN_SCALE, LEVEL, forecast_ap

Floats = NDArray[np.float64]


def test_the_example_shows_what_the_code_returns() -> None:
    assert doctest.testmod(learning_curve) == (0, 2)


@pytest.mark.parametrize("ap", [[0.30, 0.34], [0.30, 0.34, 0.37], [0.40, 0.395, 0.41, 0.40]])
def test_it_is_the_posterior_that_sampling_finds(ap: list[float]) -> None:
    """Priors drawn at random, but `first`, which is left open; each draw by the likelihood of what was measured."""
    rng, draws = np.random.default_rng(0), 60_000
    labels = 200.0 * np.arange(1, len(ap) + 2)
    c = rng.uniform(-1, 2, draws)[:, None]
    gain = np.abs(rng.normal(0, GAIN_SCALE, draws))[:, None]
    sigma = np.exp(rng.uniform(np.log(0.002), np.log(0.03), draws))
    rise = gain * (1 - (labels / 200) ** -c) / (1 - 2**-c)
    left = np.array(ap) - rise[:, :-1]
    scatter = ((left - left.mean(axis=1, keepdims=True)) ** 2).sum(axis=1)
    log_weight = -scatter / (2 * sigma**2) - (len(ap) - 1) * np.log(sigma)
    weight = np.exp(log_weight - log_weight.max())
    rows = rng.choice(draws, 200_000, p=weight / weight.sum())
    spread = sigma[rows] * np.sqrt(1 + 1 / len(ap))
    drawn = left.mean(axis=1)[rows] + rise[rows, -1] + rng.normal(0, spread)
    found = forecast_ap([int(n) for n in labels[:-1]], ap, more=200)
    low, median, high = np.clip(np.quantile(drawn, [(1 - LEVEL) / 2, 0.5, (1 + LEVEL) / 2]), 0, 1)
    assert found.labels == labels[-1]
    assert [found.low, found.ap, found.high] == pytest.approx([low, median, high], abs=0.003)
    rises = np.median((rise[:, -1] - rise[:, -2])[rows])
    assert found.gain == pytest.approx(rises, abs=0.002)


def palm(labels: Floats, rng: np.random.Generator) -> Floats:
    """The stretched exponential of PALM, which is not of the family that the forecast knows."""
    most, delta = rng.uniform(0.3, 0.9), rng.uniform(0.05, 0.3)
    alpha, beta = rng.uniform(0, 2), rng.uniform(0.3, 0.9)
    return np.asarray(most * (1 - (1 - delta) ** ((labels / 200 + alpha) ** beta)))


def power(labels: Floats, rng: np.random.Generator) -> Floats:
    return np.asarray(rng.uniform(0.4, 0.9) - rng.uniform(0.05, 0.3) * (labels / 200) ** -rng.uniform(0.2, 1.5))


@pytest.mark.parametrize("points", [2, 3, 5])
def test_four_of_five_intervals_hold_what_comes(points: int) -> None:
    rng, held, errors, widths = np.random.default_rng(7), [], [], []
    for trial in range(40):
        labels = np.linspace(200, 200 * (points + 1), points + 1)
        truth = (palm, power)[trial % 2](labels, rng)
        measured = truth + rng.normal(0, 0.006, len(labels))
        said = forecast_ap([int(n) for n in labels[:-1]], measured[:-1].tolist(), more=200)
        held.append(said.low <= measured[-1] <= said.high)
        errors.append([abs(said.ap - measured[-1]), abs(measured[-2] - measured[-1])])
        widths.append(said.high - said.low)
    sure = stats.binomtest(int(np.sum(held)), len(held)).proportion_ci(0.99)
    assert sure.high > LEVEL, "too narrow"
    ours, no_change = np.mean(errors, axis=0)
    assert ours < no_change
    assert np.mean(widths) < 0.12, "an interval that holds everything says nothing"


def test_two_points_leave_more_open_than_five() -> None:
    labels, ap = [200, 400, 600, 800, 1000], [0.30, 0.33, 0.35, 0.362, 0.37]
    widths = [said.high - said.low for k in (2, 3, 5) for said in [forecast_ap(labels[:k], ap[:k], more=200)]]
    assert widths[0] > 1.2 * widths[1] > 1.2 * widths[2]
    assert widths[0] > 0.03


def test_more_labels_are_less_certain() -> None:
    near, far = (forecast_ap([200, 400, 800], [0.30, 0.34, 0.37], more=more) for more in (10, 8000))
    assert far.high - far.low > 2 * (near.high - near.low)
    assert far.ap > near.ap and far.gain > near.gain


@settings(max_examples=25)
@given(
    st.lists(st.tuples(st.integers(1, 10_000), st.floats(0, 1)), min_size=2, max_size=6, unique_by=lambda p: p[0]),
    st.integers(1, 10_000),
)
def test_it_is_a_probability_and_the_order_of_rounds_does_not_matter(
    points: list[tuple[int, float]], more: int
) -> None:
    said = forecast_ap([n for n, _ in points], [ap for _, ap in points], more)
    assert 0 <= said.low <= said.ap <= said.high <= 1
    assert said.gain >= 0
    turned = points[::-1]
    again = forecast_ap([n for n, _ in turned], [ap for _, ap in turned], more)
    assert [again.low, again.ap, again.high] == pytest.approx([said.low, said.ap, said.high], abs=1e-6)


@pytest.mark.parametrize(
    ("labels", "ap", "more"),
    [([200], [0.3], 100), ([200, 200], [0.3, 0.31], 100), ([0, 200], [0.3, 0.31], 100), ([200, 400], [0.3, 0.31], 0)],
)
def test_too_little_to_go_by_is_refused(labels: list[int], ap: list[float], more: int) -> None:
    with pytest.raises(ValueError, match="2 different numbers of labels"):
        forecast_ap(labels, ap, more)
