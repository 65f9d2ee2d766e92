"""BADGE's k-means++ against the chances of its definition."""

import numpy as np
from scipy.spatial.distance import cdist

from dataengine.active.choice.gradient_picks import badge, k_means_plus_plus


def test_the_longest_comes_first_and_the_next_with_the_chance_of_its_distance() -> None:
    own = np.random.default_rng(0)
    vectors, weight = own.normal(size=(6, 3)), np.array([1.0, 2, 1, 1, 3, 1])
    first = int(np.argmax((vectors**2).sum(axis=1)))
    chance = weight * cdist(vectors, [vectors[first], np.zeros(3)]).min(axis=1) ** 2
    draws = 4000
    picks = [k_means_plus_plus(vectors, weight, 2, np.random.default_rng(seed)).tolist() for seed in range(draws)]
    assert {pick[0] for pick in picks} == {first}
    seen = np.bincount([pick[1] for pick in picks], minlength=6) / draws
    expected = chance / chance.sum()
    assert np.abs(seen - expected).max() < 4 * np.sqrt(0.25 / draws)


def test_a_third_pick_keeps_away_from_both() -> None:
    vectors = np.array([[10.0, 0], [10, 0.01], [0, 8], [0.01, 8], [-5, -5]])
    picks = {tuple(sorted(k_means_plus_plus(vectors, np.ones(5), 3, np.random.default_rng(s)))) for s in range(50)}
    assert all(len({0, 1} & set(p)) == 1 and len({2, 3} & set(p)) == 1 and 4 in p for p in picks)


def test_nobody_is_picked_of_whom_the_model_is_sure_while_others_are_left() -> None:
    points, scores = np.random.default_rng(1).normal(size=(40, 4)), np.repeat([0.0, 0.5], 20)
    picks = badge(scores, points, 25, np.random.default_rng(2))
    assert sorted(picks[:20].tolist()) == list(range(20, 40))
    assert picks[20:].tolist() == [0, 1, 2, 3, 4]


def test_a_sample_of_a_large_pool_still_finds_the_doubtful() -> None:
    own, count = np.random.default_rng(3), 3000
    points, scores = own.normal(size=(count, 4)), np.full(count, 0.01)
    doubtful = own.permutation(count)[:10]
    scores[doubtful] = 1.0
    picks = badge(scores, points, 8, np.random.default_rng(0), most_rows=200)
    assert set(picks.tolist()) <= set(doubtful.tolist())
