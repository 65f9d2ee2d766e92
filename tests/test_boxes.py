import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pycocotools import mask

from dataengine.boxes import box_from_keypoints, box_iou, clip_boxes, pairwise_iou

SIDE = 40  # of the grid on which pixels are counted
BOX = st.tuples(*[st.integers(-10, 20)] * 2, *[st.integers(0, 15)] * 2)
Box = tuple[int, int, int, int]


def pixels(box: Box, offset: int = 12) -> np.ndarray:
    """The pixels of a whole-numbered box, on a grid that begins at -offset."""
    grid = np.zeros((SIDE + offset, SIDE + offset), dtype=bool)
    x, y, width, height = box
    grid[y + offset : y + offset + height, x + offset : x + offset + width] = True
    return grid


@given(BOX, BOX)
def test_overlap_is_that_of_counted_pixels(a: Box, b: Box) -> None:
    union = (pixels(a) | pixels(b)).sum()
    expected = (pixels(a) & pixels(b)).sum() / union if union else 0
    assert box_iou(np.array(a, dtype=float), np.array(b, dtype=float)) == pytest.approx(expected)


def test_overlap_of_each_with_each_is_pycocotools() -> None:
    rng = np.random.default_rng(0)
    a, b = rng.uniform(0, 100, (12, 4)), rng.uniform(0, 100, (7, 4))
    found = pairwise_iou(a, b)
    assert found == pytest.approx(mask.iou(a, b, np.zeros(7)), abs=1e-12)
    assert box_iou(a[:7], b) == pytest.approx(np.diagonal(found), abs=0)


def test_overlap_of_special_boxes() -> None:
    one = np.array([0.0, 0, 10, 10])
    others = np.array([[0, 0, 10, 10], [5, 0, 10, 10], [10, 0, 10, 10], [50, 50, 1, 1], [3, 3, 0, 0], [8, 8, -4, -4.0]])
    assert box_iou(one, others).tolist() == [1, pytest.approx(1 / 3), 0, 0, 0, 0]
    assert box_iou(others[4:], others[4:]).tolist() == [0, 0]
    assert pairwise_iou(others[:0], others).shape == (0, 6)


@given(BOX, st.integers(1, 20), st.integers(1, 20))
def test_a_clipped_box_holds_the_pixels_inside_the_image(box: Box, width: int, height: int) -> None:
    clipped = clip_boxes(np.array([box], dtype=float), [[width, height]])[0]
    x, y, w, h = map(int, clipped)
    expected = pixels(box) & pixels((0, 0, width, height))
    assert (pixels((x, y, w, h)) == expected).all()
    assert 0 <= x <= x + w <= width
    assert 0 <= y <= y + h <= height


@given(BOX, st.integers(1, 20), st.integers(1, 20))
def test_a_clipped_box_is_as_large_as_asked_for(box: Box, width: int, height: int) -> None:
    x, y, w, h = clip_boxes(np.array(box, dtype=float), (width, height), least_px=1)
    assert min(w, h) >= 1
    assert 0 <= x <= x + w <= width
    assert 0 <= y <= y + h <= height
    if 0 <= box[0] < box[0] + box[2] <= width and box[2]:
        assert (x, w) == (box[0], box[2])


def test_each_box_is_clipped_to_its_own_image() -> None:
    boxes = np.array([[-2, -3, 10, 10], [-2, -3, 10, 10]], dtype=np.float32)
    assert clip_boxes(boxes, [[5, 20], [6, 4]]).tolist() == [[0, 0, 5, 7], [0, 0, 6, 4]]


def test_box_ignores_unlabelled_joints() -> None:
    keypoints = np.zeros((2, 17, 2), np.float32)
    keypoints[0, 5], keypoints[0, 6], keypoints[0, 7] = (10, 20), (30, 60), (900, 900)
    visibility = np.zeros((2, 17), np.uint8)
    visibility[0, 5:7] = 2
    boxes = box_from_keypoints(keypoints, visibility, margin=0.1)
    half = 0.5  # from a pixel's centre to its edge
    np.testing.assert_allclose(boxes, [[8 + half, 16 + half, 24, 48], [0.0, 0.0, 0.0, 0.0]])
