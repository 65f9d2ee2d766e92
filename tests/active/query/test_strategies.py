"""Query strategies against brute force."""

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from dataengine.active.query.strategies import (
    STRATEGIES,
    k_centre,
    most_uncertain,
    nearest_distance,
    thin_in_time,
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


def test_same_points_are_not_picked_twice() -> None:
    picked = k_centre(np.ones(5), np.zeros((5, 2)), 5, np.random.default_rng(0), labelled=np.zeros((1, 2)))
    assert sorted(picked.tolist()) == [0, 1, 2, 3, 4]


@given(
    frames=st.lists(st.tuples(st.sampled_from(["", "a", "b"]), st.integers(0, 30)), max_size=20),
    gap=st.integers(0, 8),
    seed=st.integers(0, 99),
)
@settings(deadline=None)
def test_thinning_keeps_the_gap_and_drops_nothing_without_need(
    frames: list[tuple[str, int]], gap: int, seed: int
) -> None:
    scores = np.random.default_rng(seed).random(len(frames))
    video = np.array([v for v, _ in frames], dtype=str)
    frame = np.array([f for _, f in frames], dtype=np.int64)
    kept = set(thin_in_time(scores, video, frame, gap).tolist())
    for row in range(len(frames)):
        rivals = [
            k for k in kept - {row} if video[row] and video[k] == video[row] and abs(int(frame[k] - frame[row])) < gap
        ]
        assert not rivals if row in kept else any(scores[k] >= scores[row] for k in rivals)
