"""Intervals of means over seeds, against SciPy's."""

import numpy as np
import pytest
import scipy.stats
from hypothesis import given
from hypothesis import strategies as st

from dataengine.studies.seed_spread import half_widths


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
