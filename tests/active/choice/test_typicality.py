"""TypiClust on sets where the typical are known."""

import numpy as np
import pytest
from sklearn.neighbors import NearestNeighbors

from dataengine.active.choice.distances import pair_table
from dataengine.active.choice.typicality import most_typical, typicality


@pytest.mark.parametrize("count", [2, 5, 60])
def test_typicality_is_one_over_the_mean_distance_to_the_neighbours(count: int) -> None:
    points = np.random.default_rng(count).integers(-999, 999, (count, 3)).astype(float)
    k = min(20, count - 1)
    distance, _ = NearestNeighbors(n_neighbors=k + 1).fit(points).kneighbors(points)
    assert typicality(pair_table(points)) == pytest.approx(1 / distance[:, 1:].mean(axis=1), rel=1e-5)


def test_of_one_point_or_none() -> None:
    assert typicality(np.zeros((1, 1), np.float32)).tolist() == [0]
    assert typicality(np.zeros((0, 0), np.float32)).tolist() == []
    assert np.isinf(typicality(np.zeros((3, 3), np.float32))).all()


def three_groups() -> np.ndarray:
    own = np.random.default_rng(0)
    return np.concatenate(
        [np.array(c) + own.normal(0, 0.3, (n, 2)) for c, n in (((0, 0), 60), ((9, 0), 40), ((0, 9), 20))]
    )


def test_each_group_gives_its_middle_the_largest_first() -> None:
    points = three_groups()
    picks = most_typical(np.zeros(120), points, 3, np.random.default_rng(0))
    assert [int(np.searchsorted([60, 100, 120], pick, side="right")) for pick in picks] == [0, 1, 2]
    for pick, centre in zip(picks, ((0, 0), (9, 0), (0, 9)), strict=True):
        assert np.linalg.norm(points[pick] - centre) < 0.3


def test_groups_with_labels_wait() -> None:
    points = three_groups()
    labelled = np.array([[0.0, 0.0]])
    picks = most_typical(np.zeros(120), points, 2, np.random.default_rng(0), labelled=labelled)
    assert sorted(int(np.searchsorted([60, 100, 120], pick, side="right")) for pick in picks) == [1, 2]


def test_copies_and_a_sample_of_a_large_pool() -> None:
    assert sorted(most_typical(np.zeros(9), np.zeros((9, 2)), 9, np.random.default_rng(0)).tolist()) == list(range(9))
    points = np.random.default_rng(1).normal(size=(500, 3))
    assert len(set(most_typical(np.zeros(500), points, 10, np.random.default_rng(0), most_rows=100).tolist())) == 10
