import numpy as np
import pytest

from dataengine.draw import contact_sheet, draw_people
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
