"""Heads are made unrecognisable, and nothing else is."""

import numpy as np

from dataengine.keypoints import COCO_KEYPOINTS
from dataengine.serving.shadow.faces import BLOCKS, blur_circles, head_circles

TAUGHT = np.ones(17, dtype=bool)


def person(head_xy: tuple[float, float]) -> np.ndarray:
    places = np.full((1, 17, 2), 500.0)
    places[0, :5] = np.add(head_xy, [[0, 0], [-4, -4], [4, -4], [-8, 0], [8, 0]])
    return places


def test_the_circle_holds_the_whole_head() -> None:
    (circle,) = head_circles(person((100, 80)), TAUGHT, np.array([[60.0, 50, 100, 200]]))
    joints = person((100, 80))[0, :5]
    assert np.hypot(*(joints - circle[:2]).T).max() < circle[2] < 30
    from_the_side = head_circles(np.full((1, 17, 2), 100.0), TAUGHT, np.array([[60.0, 50, 100, 200]]))
    assert from_the_side[0, 2] == 18  # a head has a size even where its joints are in one place


def test_a_network_that_knows_no_head_gives_no_circle() -> None:
    taught = np.array([name.startswith("left_") and "e" not in name[5:6] for name in COCO_KEYPOINTS])
    assert len(head_circles(person((10, 10)), taught, np.array([[0.0, 0, 9, 9]]))) == 0
    assert len(head_circles(np.empty((0, 17, 2)), TAUGHT, np.empty((0, 4)))) == 0


def test_what_is_left_of_a_head_are_a_few_colours() -> None:
    image = np.random.default_rng(0).integers(0, 255, (200, 200, 3), dtype=np.uint8)
    circles = np.array([[100.0, 80.0, 20.0], [-300.0, 5.0, 9.0], [199.0, 199.0, 30.0]])
    blurred = blur_circles(image, circles)
    rows, columns = np.mgrid[:200, :200]
    inside = ((columns - 100) ** 2 + (rows - 80) ** 2 <= 400) | ((columns - 199) ** 2 + (rows - 199) ** 2 <= 900)
    np.testing.assert_array_equal(blurred[~inside], image[~inside])
    head, before = blurred[70:91, 90:111].astype(float), image[70:91, 90:111].astype(float)
    assert head.std() < before.std() / 4
    assert np.abs(np.diff(head, axis=1)).max() < 255 / BLOCKS  # no edge is left
