"""Uncertainty Herding against its definition in float64, and on sets where the right picks are known."""

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy.spatial.distance import cdist

from dataengine.active.choice.distances import nearest_squared, on_grid, pair_table
from dataengine.active.choice.herding import coverage_radius, gather, herd

Matrix = NDArray[np.float64]


def rng() -> np.random.Generator:
    return np.random.default_rng(0)


def slow_radius(points: Matrix, labelled: Matrix, n: int) -> float:
    """Farthest-first over all points by the definition; the distance at which the last of n picks lands."""
    centres = [tuple(row) for row in labelled]
    least = float("nan")
    for _ in range(n + 1 if not centres else n):
        distance = cdist(points, np.array(centres)).min(axis=1) if centres else np.full(len(points), np.inf)
        centres.append(tuple(points[int(np.argmax(distance))]))
        least = float(distance.max())
    return least


def slow_herding(scores: Matrix, points: Matrix, labelled: Matrix, n: int, costs: Matrix) -> tuple[list[int], float]:
    """Greedy by the definition, each gain summed again; also the least lead of a pick over the runner-up."""
    radius = slow_radius(points, labelled, n)
    kernel = np.exp(-((cdist(points, points) / radius) ** 2))
    covered = np.exp(-((cdist(points, labelled) / radius) ** 2)).max(axis=1) if len(labelled) else np.zeros(len(points))
    chosen: list[int] = []
    lead = np.inf
    for _ in range(n):
        gains = [float((scores * np.maximum(kernel[c] - covered, 0)).sum() / costs[c]) for c in range(len(points))]
        ranked = sorted((c for c in range(len(points)) if c not in chosen), key=lambda c: -gains[c])
        if len(ranked) > 1:
            lead = min(lead, gains[ranked[0]] - gains[ranked[1]])
        chosen.append(ranked[0])
        covered = np.maximum(covered, kernel[ranked[0]])
    return chosen, lead


@given(
    seed=st.integers(0, 10_000),
    count=st.integers(2, 25),
    n=st.integers(1, 12),
    with_labels=st.booleans(),
    with_costs=st.booleans(),
)
@settings(max_examples=60, deadline=None)
def test_picks_are_those_of_the_definition(seed: int, count: int, n: int, with_labels: bool, with_costs: bool) -> None:
    own = np.random.default_rng(seed)
    n = min(n, count - 1)
    scores, points, labelled = own.beta(2, 5, count), own.normal(size=(count, 3)), own.normal(size=(4, 3))
    labelled = labelled if with_labels else labelled[:0]
    costs = own.integers(1, 4, count).astype(float) if with_costs else np.ones(count)
    expected, lead = slow_herding(scores, points, labelled, n, costs)
    got = herd(scores, points, n, rng(), labelled=labelled, costs=costs if with_costs else None).tolist()
    assert got == expected or lead < 1e-5, "the kernel is kept in float32"


@given(seed=st.integers(0, 10_000), n=st.integers(1, 8), labels=st.integers(0, 3))
@settings(max_examples=40, deadline=None)
def test_the_radius_is_what_the_budget_can_keep(seed: int, n: int, labels: int) -> None:
    own = np.random.default_rng(seed)
    points, labelled = own.normal(size=(12, 3)), own.normal(size=(labels, 3))
    (grid, known), step = on_grid(points, labelled)
    radius = coverage_radius(pair_table(grid), nearest_squared(grid, known), n)
    assert np.sqrt(radius) * step == pytest.approx(slow_radius(points, labelled, n), rel=1e-4)


@given(
    seed=st.integers(0, 1000), chunk=st.integers(1, 90), most=st.sampled_from([8, 16, 40, 200]), n=st.integers(0, 30)
)
@settings(max_examples=40, deadline=None)
def test_chunks_do_not_matter(seed: int, chunk: int, most: int, n: int) -> None:
    """Neither in a pool that fits nor in one that is sampled, duplicates and ties included."""
    own = np.random.default_rng(seed)
    scores, points = own.integers(0, 3, 80) / 2, own.integers(0, 3, (80, 2)).astype(float)
    picks = [herd(scores, points, n, rng(), most_rows=most, chunk=c) for c in (chunk, 1000)]
    assert picks[0].tolist() == picks[1].tolist()
    assert len(set(picks[0].tolist())) == n


def test_memory_maps_give_the_same_picks(tmp_path: Path) -> None:
    own = np.random.default_rng(1)
    scores, points = own.random(3000).astype(np.float32), own.normal(size=(3000, 8)).astype(np.float32)
    np.save(tmp_path / "scores.npy", scores)
    np.save(tmp_path / "points.npy", points)
    maps = [np.load(tmp_path / name, mmap_mode="r") for name in ("scores.npy", "points.npy")]
    held = herd(scores, points, 20, rng(), most_rows=500)
    assert herd(maps[0], maps[1], 20, rng(), most_rows=500, chunk=77).tolist() == held.tolist()


def test_copies_tie_and_the_lower_row_is_picked() -> None:
    own = np.random.default_rng(3)
    once = own.normal(size=(40, 19))
    points, scores = np.concatenate([once, once, once]), np.tile(own.random(40), 3)
    picks = herd(scores, points, 40, rng())
    assert (picks < 40).all(), "no copy adds anything"
    assert sorted(herd(scores, points, 120, rng()).tolist()) == list(range(120))


def crowd_and_doubts() -> tuple[Matrix, Matrix]:
    """Three dense groups of 100 that the model is fairly sure of, and ten scattered loners that it is not."""
    own = np.random.default_rng(0)
    centres = np.array([[0.0, 0], [10, 0], [0, 10]])
    crowd = np.concatenate([centre + own.normal(0, 0.5, (100, 2)) for centre in centres])
    loners = own.uniform(20, 60, (10, 2))
    return np.concatenate([crowd, loners]), np.concatenate([own.uniform(0.2, 0.3, 300), np.full(10, 0.9)])


def test_few_picks_are_representative_and_many_uncertain() -> None:
    points, scores = crowd_and_doubts()
    few = herd(scores, points, 1, rng())
    assert few[0] < 300, "one pick stands for the crowd, not for a loner"
    many = herd(scores, points, 200, rng())
    assert set(range(300, 310)) <= set(many.tolist())
    (grid, none), _ = on_grid(points, np.empty((0, 2)))
    table, nearest = pair_table(grid), nearest_squared(grid, none)
    radii = [coverage_radius(table, nearest, n) for n in (1, 4, 16, 64, 256)]
    assert (np.diff(radii) < 0).all()


def test_the_most_uncertain_are_picked_where_everybody_stands_alone() -> None:
    points = np.eye(30) * 100
    scores = np.random.default_rng(2).permutation(30) / 30
    labelled = points[:20] + 0.01
    picks = herd(scores, points, 10, rng(), labelled=labelled)
    assert sorted(picks.tolist()) == list(range(20, 30)), "what is labelled is covered"
    picks = herd(scores, points, 10, rng())
    assert picks.tolist() == np.argsort(-scores)[:10].tolist()


def test_where_nothing_is_uncertain_the_picks_are_representative() -> None:
    points, _ = crowd_and_doubts()
    picks = herd(np.zeros(310), points, 4, rng())
    assert {p // 100 for p in picks.tolist()} >= {0, 1, 2}
    assert picks.tolist() == herd(np.full(310, 0.4), points, 4, rng()).tolist()


def test_a_sample_covers_nearly_as_much_as_the_whole() -> None:
    own = np.random.default_rng(4)
    centres = own.normal(size=(40, 16))
    points = centres[own.integers(0, 40, 3000)] + own.normal(0, 0.4, (3000, 16))
    scores = own.beta(2, 5, 3000)
    whole, part = herd(scores, points, 40, rng()), herd(scores, points, 40, rng(), most_rows=600)
    radius = slow_radius(points, np.empty((0, 16)), 40)

    def coverage(picks: NDArray[np.int64]) -> float:
        return float((scores * np.exp(-((cdist(points, points[picks]) / radius) ** 2)).max(axis=1)).sum())

    assert coverage(part) > 0.97 * coverage(whole)
    assert coverage(part) > 1.05 * coverage(own.permutation(3000)[:40])


def test_more_picks_than_a_sample_has_room_for() -> None:
    own = np.random.default_rng(6)
    scores, points = own.random(200), own.normal(size=(200, 3))
    picks = herd(scores, points, 150, rng(), most_rows=16)
    assert len(set(picks.tolist())) == 150


def test_rows_are_gathered_in_order() -> None:
    table = np.arange(20, dtype=np.float32).reshape(10, 2)
    rows = np.array([0, 3, 4, 9])
    for chunk in (1, 3, 10, 50):
        assert gather(table, rows, chunk).tolist() == table[rows].tolist()
