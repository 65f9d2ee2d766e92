"""A sample stands for its pool, however the pool was read."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dataengine.active.choice.pool_sample import priority_sample

NONE = np.empty(0, dtype=np.int64)


@given(
    count=st.integers(0, 60),
    most=st.integers(1, 70),
    chunk=st.integers(1, 70),
    seed=st.integers(0, 99),
    levels=st.sampled_from([1, 3, 1000]),
    left_out=st.integers(0, 5),
)
@settings(max_examples=80, deadline=None)
def test_the_sample_does_not_depend_on_chunks(
    count: int, most: int, chunk: int, seed: int, levels: int, left_out: int
) -> None:
    rng = np.random.default_rng(seed)
    values = rng.integers(0, levels, count) / levels
    without = rng.permutation(count)[:left_out]
    whole = priority_sample(values, most, seed, without=without, chunk=1000)
    again = priority_sample(values, most, seed, without=without, chunk=chunk)
    assert again.rows.tolist() == whole.rows.tolist()
    assert again.weight.tolist() == whole.weight.tolist()
    assert len(whole.rows) == min(most, count - len(without))
    assert (np.diff(whole.rows) > 0).all() and not np.isin(whole.rows, without).any()


def test_a_small_pool_is_taken_whole() -> None:
    values = np.array([0.5, 0.0, 0.25])
    part = priority_sample(values, 3, 0, without=NONE)
    assert part.rows.tolist() == [0, 1, 2] and part.weight.tolist() == values.tolist()


def test_weights_sum_to_the_pools_on_average() -> None:
    """Summed over the whole and over a part, in 400 draws; the standard error of the mean is the yardstick."""
    values = np.random.default_rng(5).beta(0.5, 3, 300)
    part = np.arange(300) % 3 == 0
    draws = [priority_sample(values, 30, seed, without=NONE) for seed in range(400)]
    for truth, sums in [
        (values.sum(), [draw.weight.sum() for draw in draws]),
        (values[part].sum(), [draw.weight[part[draw.rows]].sum() for draw in draws]),
    ]:
        assert np.mean(sums) == pytest.approx(truth, abs=4 * np.std(sums) / np.sqrt(len(sums)))


def test_who_matters_most_is_always_there() -> None:
    values = np.full(5000, 0.001)
    values[[7, 4321]] = 1.0
    for seed in range(20):
        assert {7, 4321} <= set(priority_sample(values, 50, seed, without=NONE).rows.tolist())
