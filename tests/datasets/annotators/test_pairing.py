from pathlib import Path

import cv2
import numpy as np

from dataengine.datasets.annotators.pairing import pair_people
from dataengine.people import Images, People


def picture(path: Path, shade: int) -> str:
    path.parent.mkdir(parents=True, exist_ok=True)
    cv2.imwrite(str(path), np.full((40, 60, 3), shade, np.uint8))
    return str(path)


def people_at(image_id: list[int], left: list[float]) -> People:
    n = len(left)
    boxes = np.array([[x, 5, 20, 30] for x in left], dtype=float).reshape(n, 4)
    return People.build(
        image_id=image_id, bbox_xywh_px=boxes, keypoints_px=np.zeros((n, 17, 2)), visibility=np.full((n, 17), 2)
    )


def images_of(ids: list[int], paths: list[str]) -> Images:
    return Images.build(id=ids, path=paths, width=60, height=40)


def test_pictures_are_matched_by_content_and_people_by_boxes(tmp_path: Path) -> None:
    a, b = picture(tmp_path / "one/a.png", 10), picture(tmp_path / "one/b.png", 20)
    other_a, other_b = picture(tmp_path / "two/b.png", 10), picture(tmp_path / "two/a.png", 20)  # names exchanged
    first = people_at([1, 1, 2], [0, 30, 10]), images_of([1, 2], [a, b])
    second = people_at([7, 7, 8, 8], [32, 1, 11, 41]), images_of([7, 8], [other_a, other_b])
    found = pair_people(first, second)
    assert sorted(zip(found.first.tolist(), found.second.tolist(), strict=True)) == [(0, 1), (1, 0), (2, 2)]
    assert (found.alone, found.pictures) == ((0, 1), 2)
    assert len(set(found.picture.tolist())) == 2


def test_a_picture_that_stands_twice_in_a_set_and_one_of_others_are_left_out(tmp_path: Path) -> None:
    a, copy, c = (picture(tmp_path / name, shade) for name, shade in (("a.png", 10), ("copy.png", 10), ("c.png", 30)))
    first = people_at([1, 2], [0, 0]), images_of([1, 2], [a, copy])
    second = people_at([1, 2], [0, 0]), images_of([1, 2], [a, c])
    assert pair_people(first, second).pictures == 0


def test_people_who_hardly_overlap_are_not_the_same(tmp_path: Path) -> None:
    a = picture(tmp_path / "a.png", 10)
    found = pair_people((people_at([1], [0]), images_of([1], [a])), (people_at([1], [15]), images_of([1], [a])))
    assert (len(found.first), found.alone, found.pictures) == (0, (1, 1), 1)
