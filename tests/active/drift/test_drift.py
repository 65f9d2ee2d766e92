"""The two-sample test: exact against other libraries, honest about its level, and its stated power is what it has."""

from pathlib import Path

import numpy as np
import pytest
from scipy import stats
from sklearn.metrics.pairwise import rbf_kernel

from dataengine.active.drift import two_sample
from dataengine.active.drift.drift import drift_of
from dataengine.active.drift.films import MOST_OF_GROUP, GroupedPeople, grouped
from dataengine.active.drift.power import POWER, seen_shift
from dataengine.active.drift.two_sample import KernelFeatures, compare_groups
from dataengine.people import Images, People

from ..conftest import make_project
from ..selecting import OUT, select

ALPHA = 0.05


def films(rng: np.random.Generator, groups: int, frames: int, own: float = 1.0, shift: float = 0.0) -> GroupedPeople:
    """Films of as many frames, alike within each: a film's own place, and a little scatter around it."""
    middle = rng.normal(0, own, (groups, 2)) + np.array([shift, 0])
    values = np.repeat(middle, frames, axis=0) + rng.normal(0, 0.1, (groups * frames, 2))
    return GroupedPeople(values, np.repeat(np.arange(groups), frames), tuple(map(str, range(groups))))


def finds_difference(x: GroupedPeople, y: GroupedPeople, rng: np.random.Generator) -> bool:
    """Whether the test by films finds a difference."""
    kernel = KernelFeatures(np.concatenate([x.values, y.values]), 0)
    first, second = (part.means(kernel.of(part.values)) for part in (x, y))
    outcome = compare_groups(first, second, rng, exchanges=99)
    return outcome is not None and outcome.p_value <= ALPHA


def test_the_statistic_is_the_unbiased_discrepancy_of_the_kernel(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(two_sample, "FEATURES", 40_000)  # then products are nearly the kernel
    rng = np.random.default_rng(0)
    x, y = films(rng, 6, 1), films(rng, 5, 1, shift=1.0)
    kernel = KernelFeatures(np.concatenate([x.values, y.values]), 0)
    found = compare_groups(kernel.of(x.values), kernel.of(y.values), rng, exchanges=9)
    both = np.concatenate([x.values, y.values])
    distances = np.linalg.norm(both[:, None] - both[None], axis=-1)
    width = np.median(distances[np.triu_indices(11, 1)])
    k = rbf_kernel(both, gamma=1 / (2 * width**2))
    np.fill_diagonal(k, 0)
    expected = k[:6, :6].sum() / 30 + k[6:, 6:].sum() / 20 - 2 * k[:6, 6:].mean()
    assert found is not None and found.statistic == pytest.approx(expected, abs=0.02)


def test_the_p_value_is_that_of_scipys_permutation_test() -> None:
    rng = np.random.default_rng(1)
    first, second = rng.normal(size=(5, 3)), rng.normal(0.8, 1, size=(4, 3))

    def statistic(a: np.ndarray, b: np.ndarray) -> float:
        within = [((s.sum(axis=0) ** 2).sum() - (s**2).sum()) / (len(s) * (len(s) - 1)) for s in (a, b)]
        return float(sum(within) - 2 * a.mean(axis=0) @ b.mean(axis=0))

    rows = np.arange(9)
    both = np.concatenate([first, second])
    exact = stats.permutation_test(
        (rows[:5], rows[5:]), lambda a, b: statistic(both[a.astype(int)], both[b.astype(int)]), alternative="greater",
        vectorized=False, n_resamples=np.inf,
    )  # fmt: skip
    found = compare_groups(first, second, rng, exchanges=4999)
    assert found is not None and found.statistic == pytest.approx(exact.statistic)
    assert found.p_value == pytest.approx(exact.pvalue, abs=4 * np.sqrt(exact.pvalue / 5000))


def test_frames_of_a_film_are_not_evidence_of_their_own() -> None:
    """Without drift the test by films keeps its level; taking frames for independent it would cry wolf."""
    rng = np.random.default_rng(2)
    by_film = by_frame = 0
    trials = 80
    for _ in range(trials):
        x, y = films(rng, 8, 12), films(rng, 6, 4)
        by_film += finds_difference(x, y, rng)
        kernel = KernelFeatures(np.concatenate([x.values, y.values]), 0)
        naive = compare_groups(kernel.of(x.values), kernel.of(y.values), rng, exchanges=99)
        by_frame += naive is not None and naive.p_value <= ALPHA
    assert stats.binomtest(by_film, trials, ALPHA, alternative="greater").pvalue > 0.001
    assert by_frame > trials / 2


def test_the_stated_shift_is_seen_as_often_as_stated() -> None:
    rng = np.random.default_rng(3)
    training = films(rng, 40, 3)
    seen = seen_shift(training, 12, ALPHA, np.random.default_rng(0), 0)
    assert seen.shift is not None and seen.spread == pytest.approx(np.sqrt(2.02), rel=0.25)
    found, trials = 0, 40
    for _ in range(trials):
        pool = films(rng, 12, 3, shift=seen.shift * seen.spread)
        found += finds_difference(films(rng, 40, 3), pool, rng)
    assert abs(found / trials - POWER) < 0.22
    assert seen_shift(films(rng, 2, 3), 2, ALPHA, rng, 0).shift is None, "two films of each can never be told apart"
    assert compare_groups(np.zeros((1, 2)), np.zeros((5, 2)), rng) is None


def test_people_are_grouped_by_what_was_taken_together() -> None:
    n = MOST_OF_GROUP + 20
    images = Images.build(
        id=np.arange(n), path="x", width=9, height=9, video=["a"] * (n - 4) + ["b", "c", "", ""],
        group=[""] * (n - 4) + ["g", "g", "", ""],
    )  # fmt: skip
    people = People.build(
        image_id=np.arange(n),
        bbox_xywh_px=np.ones((n, 4)),
        keypoints_px=np.zeros((n, 17, 2)),
        visibility=[[0] * 17] * n,
    )
    found = grouped(np.arange(n, dtype=float)[:, None], people, images)
    assert found.names == ("a", "g", "", "")
    assert np.bincount(found.group).tolist() == [MOST_OF_GROUP, 2, 1, 1]
    assert found.values[:, 0].max() == n - 1 and found.means(found.values)[1, 0] == n - 3.5


def test_a_round_says_which_films_are_new_and_what_could_not_be_tested(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    select(make_project(tmp_path))
    found = drift_of(OUT, [])
    assert found is not None and not found["is_drift"]
    assert found["films"] == found["new_films"] == ["clip.mp4"] == [f["film"] for f in found["farthest_films"]]
    assert all("not tested: 1 films or pictures of the pool" in test["words"] for test in found["tests"])
    again = drift_of(OUT, ["clip.mp4"])
    assert again is not None and again["new_films"] == []
    (OUT / "pick_inputs.npz").unlink()
    assert drift_of(OUT, []) is None
