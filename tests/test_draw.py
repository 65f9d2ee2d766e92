import numpy as np
import pytest

from dataengine.draw import contact_sheet, draw_people, part_around
from dataengine.people import People


def test_drawing_marks_labelled_joints_only_and_leaves_the_image_alone() -> None:
    image = np.zeros((100, 100, 3), np.uint8)
    keypoints = np.full((1, 17, 2), 20.0)
    keypoints[0, 9] = (80, 80)
    visibility = np.zeros((1, 17), np.uint8)
    visibility[0, 5] = 2
    people = People.build(image_id=0, bbox_xywh_px=[[0, 0, 99, 99]], keypoints_px=keypoints, visibility=visibility)
    drawn = draw_people(image, people)
    assert drawn[20, 20].any()
    assert not drawn[60:, 60:].any()
    assert not image.any()


@pytest.mark.parametrize(("count", "rows"), [(1, 1), (4, 1), (5, 2), (8, 2)])
def test_contact_sheet_has_a_row_for_every_four(count: int, rows: int) -> None:
    tiles = [np.full((10 + i, 20, 3), 200, np.uint8) for i in range(count)]
    sheet = contact_sheet(tiles, columns=4, tile=(30, 24), captions=[str(i) for i in range(count)])
    assert sheet.shape == (rows * 24, 120, 3)
    for index in range(count):
        row, column = divmod(index, 4)
        assert sheet[row * 24 + 12, column * 30 + 15].max() == 200


@pytest.mark.parametrize(
    ("box", "margin", "rows", "columns"),
    [
        ((20, 10, 30, 20), 0.0, slice(10, 30), slice(20, 50)),
        ((20, 15, 30, 20), 0.2, slice(9, 41), slice(14, 56)),  # the margin is a share of the longer side: 6 px
        ((20.6, 10.2, 10.0, 10.0), 0.0, slice(10, 21), slice(20, 31)),  # no pixel that the box touches is lost
        ((-5, -8, 30, 20), 0.0, slice(0, 12), slice(0, 25)),
        ((80, 50, 40, 30), 0.5, slice(30, 60), slice(60, 100)),
        ((7.4, 8.5, 0.2, 0.1), 0.0, slice(8, 9), slice(7, 8)),
    ],
    ids=["inside", "margin", "fractions", "over top and left", "over bottom and right", "tiny"],
)
def test_part_around_is_the_slice_within_the_image(
    box: tuple[float, ...], margin: float, rows: slice, columns: slice
) -> None:
    image = np.random.default_rng(0).integers(0, 256, (60, 100, 3), dtype=np.uint8)
    part, corner = part_around(image, np.array(box), margin)
    np.testing.assert_array_equal(part, image[rows, columns])
    assert corner.tolist() == [columns.start, rows.start]


@pytest.mark.parametrize("box", [(-50, 10, 20, 20), (150, 10, 20, 20), (10, -40, 20, 20), (10, 90, 20, 20)])
def test_part_around_a_box_outside_the_image_is_all_of_it(box: tuple[float, ...]) -> None:
    image = np.random.default_rng(0).integers(0, 256, (60, 100, 3), dtype=np.uint8)
    part, corner = part_around(image, np.array(box), 0.1)
    np.testing.assert_array_equal(part, image)
    assert corner.tolist() == [0, 0]
