"""Repeat factors against a plain loop, and the effective number of groups against scipy."""

import math

import numpy as np
import pytest
import scipy.stats
from hypothesis import given, settings
from hypothesis import strategies as st

from dataengine.datasets.long_tail.repeat_factors import effective_number, repeat_factors


@settings(deadline=None)  # other work on the machine must not fail it
@given(st.lists(st.integers(1, 1000), min_size=1, max_size=30), st.floats(0, 1), st.floats(1, 20))
def test_against_a_plain_loop(counts: list[int], threshold: float, cap: float) -> None:
    factors = repeat_factors(counts, threshold, cap)
    for count, factor in zip(counts, factors, strict=True):
        expected = min(cap, max(1.0, math.sqrt(threshold / (count / sum(counts)))))
        assert factor == pytest.approx(expected)


def test_values_by_hand() -> None:
    assert repeat_factors([90, 9, 1], 0.36, 100).tolist() == pytest.approx([1, 2, 6])
    assert repeat_factors([90, 9, 1], 0.36, 4).tolist() == pytest.approx([1, 2, 4])
    assert repeat_factors([5, 0], 0.1, 4).tolist() == [1, 4]


@settings(deadline=None)  # other work on the machine must not fail it
@given(st.lists(st.floats(0, 1e6), min_size=1, max_size=30).filter(lambda values: sum(values) > 1e-3))
def test_effective_number_against_scipy(weights: list[float]) -> None:
    assert effective_number(weights) == pytest.approx(math.exp(scipy.stats.entropy(np.array(weights))), rel=1e-9)


def test_effective_number_at_its_ends() -> None:
    assert effective_number([3, 3, 3, 3]) == pytest.approx(4)
    assert effective_number([7, 0, 0]) == pytest.approx(1)
