"""Intervals of means over seeds, against SciPy's."""

import numpy as np
import pytest
import scipy.stats
from hypothesis import given
from hypothesis import strategies as st

from dataengine.studies.seed_spread import SeedMean, half_widths, seed_gains, seed_means


@given(st.lists(st.lists(st.floats(0, 1), max_size=4), min_size=1, max_size=5))
def test_intervals_of_groups_of_any_size(groups: list[list[float]]) -> None:
    found = half_widths(groups)
    freedom = sum(max(0, len(group) - 1) for group in groups)
    if not freedom:
        assert np.isnan(found).all()
        return
    pooled = sum(np.var(group) * len(group) for group in groups if group) / freedom
    for group, width in zip(groups, found, strict=True):
        expected = scipy.stats.t.ppf(0.975, freedom) * np.sqrt(pooled / len(group)) if group else np.nan
        assert width == pytest.approx(expected, nan_ok=True)


def test_one_group_has_students_interval() -> None:
    values = [0.2, 0.5, 0.6]
    low, high = scipy.stats.t.interval(0.95, 2, np.mean(values), scipy.stats.sem(values))
    assert half_widths([values])[0] == pytest.approx((high - low) / 2)


def test_means_leave_empty_groups_out_and_single_values_without_interval() -> None:
    groups = {"many": [0.2, 0.5, 0.6], "one": [0.3], "none": []}
    means = seed_means(groups)
    assert list(means) == ["many", "one"]
    assert means["many"].mean == pytest.approx(1.3 / 3)
    assert means["many"].half_width == half_widths(list(groups.values()))[0]
    assert means["one"].mean == 0.3 and np.isnan(means["one"].half_width)
    assert seed_means({"none": []}) == {} == seed_means({})


PERCENTS = st.lists(st.integers(0, 100).map(lambda percent: percent / 100), min_size=2, max_size=4)


@given(PERCENTS, PERCENTS)
def test_a_gain_is_clear_where_the_t_test_says_so(one: list[float], other: list[float]) -> None:
    other = (other * 2)[: len(one)]  # equal sizes: the same test as SciPy's
    means = seed_means({"one": one, "other": other})
    gain = means["one"].gain_over(means["other"])
    assert gain.mean == pytest.approx(np.mean(one) - np.mean(other))
    if len(set(one)) > 1 and len(set(other)) > 1:
        p = scipy.stats.ttest_ind(one, other).pvalue
        assert gain.is_clear == (p < 0.05) or p == pytest.approx(0.05)


@given(st.lists(st.tuples(*[st.integers(0, 100).map(lambda percent: percent / 100)] * 2), min_size=2, max_size=5))
def test_a_gain_by_seed_is_clear_where_the_paired_t_test_says_so(pairs: list[tuple[float, float]]) -> None:
    one, other = ({seed: pair[side] for seed, pair in enumerate(pairs)} for side in (0, 1))
    (gain,) = seed_gains({"one": one, "other": {**other, 99: 5.0}}, "other").values()
    differences = [a - b for a, b in pairs]
    assert gain.mean == pytest.approx(np.mean(differences))
    if np.ptp(differences) > 1e-9:
        p = scipy.stats.ttest_rel(list(one.values()), list(other.values())).pvalue
        assert gain.is_clear == (p < 0.05) or p == pytest.approx(0.05)


def test_what_has_no_seed_in_common_with_the_base_has_no_gain() -> None:
    assert seed_gains({"one": {0: 0.5}, "other": {1: 0.4}}, "other") == {}
    assert seed_gains({"one": {0: 0.5}}, "other") == {}


def test_means_as_text() -> None:
    assert SeedMean(0.12345, 0.01).text() == "0.123 ± 0.010" and SeedMean(0.5, float("nan")).text() == "0.500"
    assert SeedMean(0.1, 0.01).text("+") == "+0.100 ± 0.010" and SeedMean(-0.1, 0.01).text("+").startswith("-0.100")
    single = SeedMean(0.5, float("nan")).gain_over(SeedMean(0.1, 0.01))
    assert np.isnan(single.half_width) and not single.is_clear
