"""Arithmetic on learning curves, against numpy and scipy."""

import doctest

import numpy as np
import pytest
from scipy import integrate, stats

from dataengine.active.studies import curves
from dataengine.active.studies.curves import area, labels_to_reach, paired_difference, stop_at
from dataengine.active.studies.forecasts import judged, skill

LABELS = [200, 400, 800, 1000]


def test_the_examples_show_what_the_code_returns() -> None:
    assert doctest.testmod(curves) == (0, 2)


def test_the_area_is_the_mean_on_the_way() -> None:
    rng = np.random.default_rng(0)
    for _ in range(20):
        labels = np.sort(rng.choice(10_000, 6, replace=False)) + 1
        ap = rng.uniform(0, 1, 6)
        expected = integrate.trapezoid(ap, labels) / np.ptp(labels)
        assert area(labels.tolist(), ap.tolist()) == pytest.approx(expected)
    assert area(LABELS, [0.3] * 4) == pytest.approx(0.3)
    with pytest.raises(ValueError, match="two points"):
        area([200], [0.1])


def test_a_rising_curve_is_read_backwards() -> None:
    ap = [0.1, 0.2, 0.3, 0.5]
    for target in np.linspace(0.1, 0.5, 17):
        assert labels_to_reach(LABELS, ap, float(target)) == pytest.approx(np.interp(target, ap, LABELS))


@pytest.mark.parametrize(
    ("ap", "target", "expected"),
    [
        ([0.4, 0.1, 0.1, 0.5], 0.3, 200.0),  # at once, whatever comes later
        ([0.3, 0.1, 0.1, 0.5], 0.3, 200.0),
        ([0.1, 0.2, 0.25, 0.2], 0.3, None),
        ([0.1, 0.3, 0.2, 0.4], 0.3, 400.0),  # the first time counts
        ([0.1, 0.1, 0.2, 0.4], 0.3, 900.0),
        ([0.1, 0.1, 0.2, 0.3], 0.3, 1000.0),
    ],
)
def test_labels_are_reached_at_once_or_later_or_never(ap: list[float], target: float, expected: float | None) -> None:
    found = labels_to_reach(LABELS, ap, target)
    assert found is None if expected is None else found == pytest.approx(expected)


def test_one_stops_where_the_curve_is_flat_and_not_while_it_rises() -> None:
    steep = [0.10, 0.20, 0.40, 0.50]
    assert stop_at(LABELS, steep, least_gain=0.005) is None
    assert stop_at(LABELS, [0.1, 0.4, 0.401, 0.401], least_gain=0.005) in (2, 3)
    assert stop_at(LABELS, [0.4, 0.4, 0.4, 0.4], least_gain=0.005) == 1
    assert stop_at(LABELS, steep, least_gain=1.0) == 1, "the first that can be forecast"
    assert stop_at(LABELS[:1], steep[:1], least_gain=1.0) is None


def test_differences_are_taken_seed_by_seed() -> None:
    own, other = [0.31, 0.42, 0.55], [0.30, 0.40, 0.50]
    found = paired_difference(own, other)
    paired = stats.ttest_rel(own, other).confidence_interval(0.95)
    assert (found.mean - found.half_width, found.mean + found.half_width) == pytest.approx((paired.low, paired.high))
    assert np.isnan(paired_difference(own[:1], other[:1]).half_width)


def test_forecasts_are_held_against_what_came() -> None:
    ap = [0.10, 0.20, 0.27, 0.90]
    each = judged(LABELS, ap)
    assert [one.points for one in each] == [2, 3]
    assert each[0].error_of_no_change == pytest.approx(0.07)
    assert each[0].error_of_last_gain == pytest.approx(0.03)
    assert each[1].error_of_no_change == pytest.approx(0.63)
    assert each[1].error_of_last_gain == pytest.approx(0.56)
    assert each[0].covered and not each[1].covered
    found = skill(each)
    assert found is not None and (found.count, found.covered) == (2, 1)
    sure = stats.binomtest(1, 2).proportion_ci(method="wilson")
    assert (found.coverage_low, found.coverage_high) == (sure.low, sure.high)
    assert found.error_of_no_change == pytest.approx(0.35)
    assert skill(judged(LABELS[:2], ap[:2])) is None
