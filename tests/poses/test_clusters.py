"""Frozen clusters: the nearest centre by brute force, what survives the disk."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.spatial.distance import cdist

from dataengine.errors import InputError
from dataengine.poses.clusters import (
    UNCLUSTERED,
    PoseClusters,
    nearest_centre,
    read_pose_clusters,
    write_pose_clusters,
)
from dataengine.poses.embedding import DIMENSIONS


def clusters(counts: list[int], seed: int = 0) -> PoseClusters:
    rng = np.random.default_rng(seed)
    return PoseClusters(
        centres=rng.normal(size=(len(counts), DIMENSIONS)).round(6),
        counts=np.array(counts, dtype=np.int64),
        repeat_factor=rng.uniform(1, 3, len(counts)),
    )


@settings(deadline=None)
@given(st.integers(0, 30), st.integers(1, 9), st.integers(0, 1000))
def test_nearest_centre_against_scipy(n: int, k: int, seed: int) -> None:
    rng = np.random.default_rng(seed)
    vectors, centres = rng.normal(size=(n, 5)), rng.normal(size=(k, 5))
    nearest, squared = nearest_centre(vectors, centres)
    expected = cdist(vectors, centres, "sqeuclidean")
    assert np.array_equal(nearest, expected.argmin(axis=1))
    assert squared == pytest.approx(expected.min(axis=1), abs=1e-9)


def test_more_people_than_are_looked_up_at_a_time() -> None:
    vectors = np.random.default_rng(0).normal(size=(20_000, 3)).astype(np.float32)
    centres = vectors[[5, 9_000, 19_999]].astype(np.float64)
    nearest, squared = nearest_centre(vectors, centres)
    assert np.array_equal(nearest, cdist(vectors, centres).argmin(axis=1))
    assert squared[[5, 9_000, 19_999]] == pytest.approx([0, 0, 0], abs=1e-9)


def test_people_without_a_pose_are_not_repeated() -> None:
    made = clusters([3, 1])
    assert made.repeats(np.array([UNCLUSTERED, 0])).tolist() == [1, made.repeat_factor[0]]


def test_rare_is_what_balancing_repeats() -> None:
    made = replace(clusters([9, 2, 1]), repeat_factor=np.array([1.0, 1.01, 3.0]))
    assert made.rare.tolist() == [False, True, True]


def test_clusters_survive_the_disk(tmp_path: Path) -> None:
    made = clusters([5, 3, 0])
    write_pose_clusters(tmp_path / "clusters.json", made)
    back = read_pose_clusters(tmp_path / "clusters.json")
    assert back.id == made.id and np.array_equal(back.centres, made.centres)
    assert np.array_equal(back.counts, made.counts) and np.array_equal(back.repeat_factor, made.repeat_factor)
    assert made.id != clusters([5, 3, 0], seed=1).id
    assert made.id == clusters([0, 0, 9]).id, "the centres alone are what clusters mean"


@pytest.mark.parametrize(
    "change",
    [
        {"centres": np.zeros((3, 4))},
        {"centres": np.full((3, DIMENSIONS), np.nan)},
        {"counts": np.array([1, 2])},
        {"counts": np.array([1, 2, -1])},
        {"repeat_factor": np.array([1, 1, 0.5])},
        {"repeat_factor": np.array([1, 1, np.nan])},
    ],
    ids=str,
)
def test_malformed_clusters(change: dict[str, np.ndarray]) -> None:
    made = clusters([1, 2, 3])
    fields = {"centres": made.centres, "counts": made.counts, "repeat_factor": made.repeat_factor}
    with pytest.raises(InputError):
        PoseClusters(**(fields | change))
