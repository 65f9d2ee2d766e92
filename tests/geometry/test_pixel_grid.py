"""The pixel convention against OpenCV, numpy and COCO's masks: where a dot is found is where its coordinate says."""

from typing import Any

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from pycocotools import mask as coco_mask

from dataengine.boxes import box_from_keypoints
from dataengine.geometry.pixel_grid import from_corner, mirrored, pixel_of, resized, to_corner, within


def dot() -> NDArray[np.float32]:
    """A soft dot about (23, 15) in an image of 64 x 48."""
    y, x = np.mgrid[:48, :64]
    return np.exp(-((x - 23) ** 2 + (y - 15) ** 2) / 18).astype(np.float32)


def middle(image: NDArray[Any]) -> NDArray[np.float64]:
    """Centre of mass in whole pixels' coordinates, as OpenCV's moments have it."""
    moments = cv2.moments(image.astype(np.float32))
    return np.array([moments["m10"], moments["m01"]]) / moments["m00"]


@pytest.mark.parametrize(
    ("size", "interpolation"),
    [
        ((32, 24), cv2.INTER_AREA),
        ((61, 40), cv2.INTER_AREA),
        ((16, 12), cv2.INTER_AREA),
        ((128, 96), cv2.INTER_LINEAR),
        ((200, 60), cv2.INTER_LINEAR),
    ],
)
def test_a_dot_moves_with_the_resized_image(size: tuple[int, int], interpolation: int) -> None:
    seen = middle(cv2.resize(dot(), size, interpolation=interpolation))
    np.testing.assert_allclose(resized(middle(dot()), (size[0] / 64, size[1] / 48)), seen, atol=0.02)


def test_a_dot_moves_with_the_mirrored_image() -> None:
    np.testing.assert_allclose(mirrored(middle(dot()), 64), middle(dot()[:, ::-1]), atol=1e-3)


@given(st.floats(-50, 50), st.floats(-50, 50), st.integers(1, 99), st.floats(0.1, 10))
def test_each_is_undone_by_its_inverse(x: float, y: float, width: int, scale: float) -> None:
    point = np.array([x, y])
    np.testing.assert_allclose(from_corner(to_corner(point)), point, atol=1e-12)
    np.testing.assert_allclose(mirrored(mirrored(point, width), width), point, atol=1e-12)
    np.testing.assert_allclose(resized(resized(point, scale), 1 / scale), point, atol=1e-9)
    assert within(point, (width, 99)) == within(mirrored(point, width) if x != -0.5 else point, (width, 99))


@given(st.floats(-3, 9), st.floats(-3, 9))
def test_a_point_in_the_image_has_a_pixel_of_it(x: float, y: float) -> None:
    column, row = pixel_of(np.array([x, y]))
    assert within(np.array([x, y]), (6, 5)) == (0 <= column < 6 and 0 <= row < 5)
    assert abs(column - x) <= 0.5 and abs(row - y) <= 0.5


def test_boxes_speak_of_edges_as_cocos_masks_do() -> None:
    """The box of two pixels is the box about two joints, grown by the half pixel to each edge."""
    mask = np.zeros((20, 30), dtype=np.uint8)
    mask[[3, 9], [5, 17]] = 1
    x, y, width, height = coco_mask.toBbox(coco_mask.encode(np.asfortranarray(mask)))
    joints = np.zeros((1, 17, 2))
    joints[0, :2] = (5, 3), (17, 9)
    box = box_from_keypoints(joints, 2 * (np.arange(17)[None] < 2), margin=0.0)[0]
    np.testing.assert_allclose(box, [x + 0.5, y + 0.5, width - 1, height - 1])
