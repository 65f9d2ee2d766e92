"""Query strategies against brute force."""

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from dataengine.active.choice.strategies import (
    STRATEGIES,
    k_centre,
    most_uncertain,
    nearest_distance,
    uncertain_and_far,
)


def world(seed: int, count: int, labelled: int = 3) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray]:
    rng = np.random.default_rng(seed)
    return rng.random(count), rng.normal(size=(count, 4)), rng.normal(size=(labelled, 4))


def slow_greedy(
    weights: NDArray[np.float64], points: NDArray[np.float64], covered: NDArray[np.float64], n: int
) -> list[int]:
    """Greedy k-centre by its definition, every distance computed again."""
    chosen: list[int] = []
    for _ in range(min(n, len(points))):
        centres = [*covered, *(points[c] for c in chosen)]
        gains = [
            -1.0 if i in chosen else weights[i] * min(float(np.linalg.norm(points[i] - c)) for c in centres)
            for i in range(len(points))
        ]
        chosen.append(gains.index(max(gains)))
    return chosen


@pytest.mark.parametrize("name", STRATEGIES)
@given(seed=st.integers(0, 2**32 - 1), count=st.integers(0, 12), n=st.integers(0, 15), with_labels=st.booleans())
@settings(max_examples=40, deadline=None)
def test_every_strategy_returns_different_rows_and_repeats_itself(
    name: str, seed: int, count: int, n: int, with_labels: bool
) -> None:
    scores, points, labelled = world(seed, count)
    runs = [
        STRATEGIES[name](scores, points, n, np.random.default_rng(seed), labelled=labelled if with_labels else None)
        for _ in range(2)
    ]
    assert runs[0].tolist() == runs[1].tolist()
    assert len(set(runs[0].tolist())) == len(runs[0]) == min(n, count)
    assert set(runs[0].tolist()) <= set(range(count))


@given(seed=st.integers(0, 10_000), count=st.integers(1, 10), n=st.integers(1, 10))
@settings(max_examples=60, deadline=None)
def test_greedy_strategies_equal_their_definition(seed: int, count: int, n: int) -> None:
    scores, points, labelled = world(seed, count)
    rng = np.random.default_rng(0)
    far = k_centre(scores, points, n, rng, labelled=labelled)
    both = uncertain_and_far(scores, points, n, rng, labelled=labelled)
    assert far.tolist() == slow_greedy(np.ones(count), points, labelled, n)
    assert both.tolist() == slow_greedy(scores, points, labelled, n)


@given(seed=st.integers(0, 10_000))
@settings(max_examples=30, deadline=None)
def test_k_centre_stays_within_twice_the_best_radius(seed: int) -> None:
    scores, points, labelled = world(seed, 9)

    def radius(chosen: tuple[int, ...]) -> float:
        return float(nearest_distance(points, np.concatenate([labelled, points[list(chosen)]])).max())

    best = min(radius(chosen) for chosen in itertools.combinations(range(9), 3))
    greedy = k_centre(scores, points, 3, np.random.default_rng(0), labelled=labelled)
    assert radius(tuple(greedy.tolist())) <= 2 * best + 1e-9


def test_most_uncertain_sorts_and_breaks_ties_by_row() -> None:
    scores = np.array([0.1, 0.9, 0.5, 0.9])
    assert most_uncertain(scores, np.empty((4, 0)), 3, np.random.default_rng(0)).tolist() == [1, 3, 2]


def test_what_costs_more_has_to_be_worth_more() -> None:
    scores, costs = np.array([0.3, 0.5, 0.4]), np.array([1.0, 5.0, 2.0])
    assert most_uncertain(scores, np.empty((3, 0)), 3, np.random.default_rng(0), costs=costs).tolist() == [0, 2, 1]


def test_same_points_are_not_picked_twice() -> None:
    picked = k_centre(np.ones(5), np.zeros((5, 2)), 5, np.random.default_rng(0), labelled=np.zeros((1, 2)))
    assert sorted(picked.tolist()) == [0, 1, 2, 3, 4]
