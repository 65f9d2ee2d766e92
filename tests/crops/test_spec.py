import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dataengine.crops.spec import CropSpec, apply_affine, compose_affine, crop_matrix, extract_crop, invert_affine
from dataengine.errors import InputError

SPEC = CropSpec(128, 96, 1.25)
positions = st.floats(-200, 800)
lengths = st.floats(1, 900)


@given(st.tuples(positions, positions, lengths, lengths), st.tuples(positions, positions))
def test_points_come_back_from_the_crop(box: tuple[float, ...], point: tuple[float, float]) -> None:
    matrix = crop_matrix(np.array([box]), SPEC)
    there = apply_affine(matrix, np.array([[point]]))
    np.testing.assert_allclose(apply_affine(invert_affine(matrix), there), [[point]], atol=1e-6)


@given(st.tuples(positions, positions, lengths, lengths))
def test_the_padded_box_fills_the_crop_and_its_middle_is_the_middle(box: tuple[float, ...]) -> None:
    x, y, width, height = box
    edges = np.array([[x, y], [x + width, y + height]]) - 0.5  # edges of pixels, in coordinates of pixel centres
    low, high = apply_affine(crop_matrix(np.array([box]), SPEC), edges[None])[0]
    np.testing.assert_allclose((low + high) / 2, [(128 - 1) / 2, (96 - 1) / 2], atol=1e-6)
    assert max((high - low) / [128, 96]) == pytest.approx(1 / 1.25)


def test_matrix_equals_opencvs_from_three_points() -> None:
    box = np.array([[30.0, 50.0, 64.0, 96.0]])
    source = np.array([[30, 50], [94, 50], [30, 146]], dtype=np.float32) - 0.5
    scale = 96 / (96 * 1.25)
    left, top = 64 - 32 * scale - 0.5, 48 - 48 * scale - 0.5
    target = np.array([[left, top], [left + 64 * scale, top], [left, top + 96 * scale]], dtype=np.float32)
    np.testing.assert_allclose(crop_matrix(box, SPEC)[0], cv2.getAffineTransform(source, target), atol=1e-4)


def test_the_box_of_the_whole_image_without_padding_is_the_identity() -> None:
    matrix = crop_matrix(np.array([[0, 0, 128, 128]]), CropSpec(128, 128, 1.0))
    np.testing.assert_allclose(matrix[0], [[1, 0, 0], [0, 1, 0]], atol=1e-12)


@pytest.mark.parametrize("side", [60.0, 150.0, 333.0, 700.0])
def test_pixels_land_where_points_do(side: float) -> None:
    """In an image whose values are its coordinates, each crop pixel shows where it came from, shrunk or enlarged."""
    ys, xs = np.mgrid[0:800, 0:1000]
    level_px = 4.1  # a fraction: with whole blocks a rounding of whole levels would be the same all over the image
    image = np.round(np.stack([xs / level_px, ys / level_px, xs * 0], axis=2)).astype(np.uint8)
    matrix = crop_matrix(np.array([[150.0, 60.0, side, side]]), SPEC)[0]
    crop = extract_crop(image, matrix, SPEC).astype(float)
    grid = np.stack(np.meshgrid(np.arange(128.0), np.arange(96.0)), axis=2).reshape(-1, 2)
    came_from = apply_affine(invert_affine(matrix), grid)
    inside = ((came_from > 12) & (came_from < [980, 780])).all(axis=1)
    error = crop.reshape(-1, 3)[:, :2] * level_px - came_from
    assert np.abs(error[inside].mean(axis=0)).max() < 0.75
    assert np.abs(error[inside]).max() < 8


def test_a_crop_beyond_the_image_is_black() -> None:
    image = np.full((40, 40, 3), 255, dtype=np.uint8)
    matrix = crop_matrix(np.array([[500.0, 500.0, 400.0, 400.0]]), SPEC)[0]
    assert extract_crop(image, matrix, SPEC).max() == 0


def test_composition_is_one_after_the_other() -> None:
    rng = np.random.default_rng(0)
    outer, inner, points = rng.normal(size=(2, 3)), rng.normal(size=(2, 3)), rng.normal(size=(5, 2))
    expected = apply_affine(outer, apply_affine(inner, points))
    np.testing.assert_allclose(apply_affine(compose_affine(outer, inner), points), expected)


def test_an_empty_box_is_refused_by_row() -> None:
    with pytest.raises(InputError, match="row 1"):
        crop_matrix(np.array([[0, 0, 5, 5], [3, 3, 0, 9]]), SPEC)
