"""Rays of a bent picture, against projection and OpenCV."""

import cv2
import numpy as np
import pytest

from dataengine.geometry.cameras import distort, project
from dataengine.multiview.undistortion import undistorted

K = np.array([[700.0, 0, 640], [0, 690.0, 360], [0, 0, 1]])
ACTION_CAMERA = np.array([-0.33, 0.12, 0.0005, -0.0003, -0.018])


@pytest.mark.parametrize(
    "bent", [ACTION_CAMERA, ACTION_CAMERA[:4] / 3, np.array([-0.2, 0.25, -0.0014, -0.001, -0.003])]
)
def test_a_projected_point_has_the_ray_it_came_by_up_to_the_edge(bent: np.ndarray) -> None:
    rays = np.stack(np.meshgrid(np.linspace(-1.3, 1.3, 40), np.linspace(-0.7, 0.7, 30)), axis=-1).reshape(-1, 2)
    seen, _ = project(np.concatenate([rays, np.ones((len(rays), 1))], axis=-1), K, np.eye(4), bent)
    inside = (seen >= 0).all(axis=1) & (seen < (1280, 720)).all(axis=1)
    assert np.linalg.norm(seen[inside] - K[:2, 2], axis=1).max() > 600, "no point lies near the edge"
    np.testing.assert_allclose(undistorted(seen[inside], K, bent), rays[inside], atol=1e-6)


def test_a_weak_lens_is_as_opencv_has_it() -> None:
    points, bent = np.random.default_rng(0).uniform(0, 700, (30, 2)), np.array([0.02, -0.01, 0.001, 0.002])
    expected = cv2.undistortPoints(points[:, None], K, bent)[:, 0]
    np.testing.assert_allclose(undistorted(points, K, bent), expected, atol=1e-6)


def test_a_pixel_that_no_ray_is_bent_to_gets_opencvs_guess() -> None:
    points = np.array([[640.0, 360.0], [4000.0, 2600.0], [np.nan, 5.0]])
    rays = undistorted(points, K, ACTION_CAMERA)
    np.testing.assert_allclose(rays[0], 0, atol=1e-9)
    far = distort(rays[1:2], ACTION_CAMERA) * K[[0, 1], [0, 1]] + K[:2, 2]
    assert np.linalg.norm(far - points[1]) > 1, "this pixel has a ray"
    np.testing.assert_array_equal(rays[1], cv2.undistortPoints(points[1:2, None], K, ACTION_CAMERA)[0, 0])
    assert np.isnan(rays[2]).all()
    assert undistorted(np.zeros((0, 17, 2)), K, ACTION_CAMERA).shape == (0, 17, 2)
