"""Test-time views: where points and pixels of a crop go, and what is made of the answers."""

import cv2
import numpy as np
import pytest

from dataengine.crops.spec import CropSpec, apply_affine, crop_matrix, extract_crop
from dataengine.judges.turned_views import VIEWS, TurnedView, fused_views, seen_from

SPEC = CropSpec(96, 128)


@pytest.mark.parametrize("view", VIEWS)
def test_a_view_is_opencvs_rotation_about_the_middle(view: TurnedView) -> None:
    matrix = crop_matrix(np.array([[30.0, 20.0, 40.0, 90.0]]), SPEC)
    middle = ((SPEC.width_px - 1) / 2, (SPEC.height_px - 1) / 2)
    turned = np.asarray(
        cv2.getRotationMatrix2D(middle, -view.turn_deg, view.scale), dtype=np.float64
    )  # it turns counter-clockwise
    points = np.random.default_rng(0).uniform(0, 100, (1, 5, 2))
    expected = apply_affine(turned[None], apply_affine(matrix, points))
    np.testing.assert_allclose(apply_affine(seen_from(matrix, SPEC, view), points), expected, atol=1e-9)


def test_pixels_go_where_points_go() -> None:
    image = np.zeros((160, 160, 3), np.uint8)
    image[70:73, 90:93] = 255
    matrix = seen_from(crop_matrix(np.array([[20.0, 20.0, 100.0, 120.0]]), SPEC), SPEC, TurnedView(15, 0.85))
    crop = extract_crop(image, matrix[0], SPEC)[..., 0].astype(float)
    rows, columns = np.indices(crop.shape)
    seen = [(columns * crop).sum() / crop.sum(), (rows * crop).sum() / crop.sum()]
    np.testing.assert_allclose(seen, apply_affine(matrix, np.array([[[91.0, 71.0]]]))[0, 0], atol=0.2)


def test_one_view_that_takes_left_for_right_moves_nothing_but_the_spread() -> None:
    points = [np.full((2, 17, 2), 10.0) for _ in range(5)]
    points[3] = points[3] + np.array([40.0, 30.0])
    fused, confidence, spread = fused_views(points, [np.full((2, 17), 0.1 * k) for k in range(5)])
    assert (fused == 10).all() and confidence == pytest.approx(np.full((2, 17), 0.2))
    assert spread == pytest.approx(np.full((2, 17), np.sqrt(2500 / 5)))
