"""Whether a picture of `render --like` shows what was asked for."""

from typing import Any

import numpy as np
import pytest
from scipy.optimize import minimize

from dataengine.blender.targeted.likeness import HIDDEN, OTHER_POSE, pose_distance, projected, unlike
from dataengine.blender.targeted.params import LikeParams

RNG = np.random.default_rng(5)
ASKED = RNG.uniform(-100, 100, (17, 2))
K = np.array([[300.0, 0, 128], [0, 300.0, 128], [0, 0, 1]])


def record(points_px: np.ndarray, visibility: list[int]) -> dict[str, Any]:
    """A person 4 m away whose joints are seen at `points_px`."""
    away = (np.concatenate([points_px, np.ones((17, 1))], axis=1) @ np.linalg.inv(K).T) * 4.0
    return {"keypoints_cam_m": away.tolist(), "K": K.tolist(), "visibility": visibility}


def test_projection_gives_the_pixels_of_all_joints() -> None:
    np.testing.assert_allclose(projected(record(ASKED, [2] * 17)), ASKED, atol=1e-9)


def test_the_distance_is_that_of_the_best_shift_and_scale() -> None:
    shown = 0.4 * ASKED + RNG.normal(0, 4, (17, 2)) + [30, -7]

    def moved(values: np.ndarray) -> np.ndarray:
        return np.asarray(values[0] * shown + values[1:] - ASKED)

    best = minimize(lambda values: float((moved(values) ** 2).sum()), [1.0, 0.0, 0.0]).x
    expected = np.linalg.norm(moved(best), axis=1).mean() / np.ptp(ASKED, axis=0).max()
    assert pose_distance(ASKED, shown) == pytest.approx(expected, rel=1e-4)


def test_the_same_pose_elsewhere_is_at_no_distance_and_a_turned_one_is_not() -> None:
    assert pose_distance(ASKED, 2.5 * ASKED + 40) == pytest.approx(0, abs=1e-12)
    assert pose_distance(ASKED, ASKED @ np.array([[0.0, -1.0], [1.0, 0.0]])) > 0.1
    assert np.isfinite(pose_distance(ASKED, np.zeros((17, 2))))


@pytest.mark.parametrize(
    ("people", "why"),
    [
        ([record(1.2 * ASKED + 9, [0] * 5 + [2] * 12)], ""),
        ([record(ASKED, [2] * 10 + [1] * 7)], HIDDEN),  # five of the twelve
        ([record(ASKED, [2] * 11 + [1] * 6)], ""),  # six
        ([record(ASKED * [1.0, -1.0], [2] * 17)], OTHER_POSE),
        ([], HIDDEN),
    ],
)
def test_why_a_picture_is_taken_again(people: list[dict[str, Any]], why: str) -> None:
    assert unlike({"keypoints_off_middle_px": ASKED.tolist()}, people, LikeParams()) == why
