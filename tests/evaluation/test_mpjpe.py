import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.spatial import procrustes
from scipy.spatial.transform import Rotation

from dataengine.evaluation.mpjpe import mpjpe, pa_mpjpe, procrustes_aligned


def poses(seed: int, count: int = 4) -> np.ndarray:
    return np.random.default_rng(seed).normal(size=(count, 17, 3)) * 300


def test_mean_distance_of_labelled_joints() -> None:
    truth = poses(0)
    found = truth.copy()
    found[0, 3] += (3, 4, 0)
    found[1, 5] += 1e6
    labelled = np.ones((4, 17), dtype=bool)
    labelled[1, 5] = False
    assert mpjpe(truth, found, labelled) == pytest.approx(5 / (4 * 17 - 1))


def test_places_count_and_nobody_has_no_error() -> None:
    truth = poses(1)
    moved = truth + np.array([100.0, -50.0, 3.0])
    assert mpjpe(truth, moved) == pytest.approx(np.linalg.norm([100, -50, 3]))
    nobody = np.zeros((4, 17), dtype=bool)
    assert np.isnan(mpjpe(truth, moved, nobody))


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 10_000), st.floats(0.2, 5))
def test_a_turned_scaled_and_moved_pose_has_no_pa_error(seed: int, scale: float) -> None:
    truth = poses(seed, 2)
    turn = Rotation.random(random_state=seed).as_matrix()
    assert pa_mpjpe(truth, scale * truth @ turn.T + 7) == pytest.approx(0, abs=1e-6)


def test_alignment_is_that_of_scipy() -> None:
    truth, found = poses(2, 1), poses(3, 1)
    found = truth + 0.3 * found  # near enough that the best alignment does not mirror, which scipy would allow
    known = np.ones((1, 17), dtype=bool)
    _, b, _ = procrustes(truth[0], found[0])
    size = np.linalg.norm(truth[0] - truth[0].mean(axis=0))
    expected = b * size + truth[0].mean(axis=0)
    assert procrustes_aligned(truth, found, known)[0] == pytest.approx(expected, abs=1e-6)


def test_a_mirrored_pose_stays_wrong() -> None:
    truth = poses(4, 1)
    assert pa_mpjpe(truth, truth * np.array([-1.0, 1.0, 1.0])) > 10
