import cv2
import numpy as np
import pytest

from dataengine.geometry.cameras import project


@pytest.mark.parametrize("distortion", [None, [0.1, -0.05, 0.001, -0.002], [0.1, -0.05, 0.001, -0.002, 0.03]])
def test_projection_equals_opencv(distortion: list[float] | None) -> None:
    rng = np.random.default_rng(0)
    K = np.array([[900.0, 0, 320], [0, 880, 240], [0, 0, 1]])
    rotation_vector, translation = rng.normal(0, 0.3, 3), np.array([0.1, -0.2, 5.0])
    transform = np.eye(4)
    transform[:3, :3] = cv2.Rodrigues(rotation_vector)[0]
    transform[:3, 3] = translation
    points = rng.normal(0, 0.7, (40, 3))
    coefficients = None if distortion is None else np.array(distortion)
    uv, depth = project(points, K, transform, coefficients)
    expected, _ = cv2.projectPoints(
        points, rotation_vector, translation, K, np.zeros(4) if coefficients is None else coefficients
    )
    np.testing.assert_allclose(uv, expected[:, 0], atol=1e-8)
    np.testing.assert_allclose(depth, (points @ transform[:3, :3].T + translation)[:, 2])


def test_leading_axes_are_free_and_points_behind_have_negative_depth() -> None:
    points = np.zeros((2, 3, 3))
    points[0, :, 2] = -4.0
    points[1, :, 2] = 4.0
    uv, depth = project(points, np.eye(3), np.eye(4))
    assert uv.shape == (2, 3, 2)
    assert (depth[0] < 0).all()
    assert (depth[1] > 0).all()
