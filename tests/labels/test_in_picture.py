"""A joint outside its picture is not a label."""

import numpy as np

from dataengine.labels.in_picture import inside_picture


def test_the_edge_belongs_to_the_picture_on_the_left_and_above_alone() -> None:
    points = np.array([[[0, 0], [9.9, 19.9], [10, 5], [5, 20], [-1e-6, 5], [5, -1e-6]]])
    assert inside_picture(points, (10, 20)).tolist() == [[True, True, False, False, False, False]]
    both = inside_picture(np.concatenate([points, points]), [[10, 20], [20, 40]])
    assert both.tolist() == [[True, True, False, False, False, False], [True, True, True, True, False, False]]
