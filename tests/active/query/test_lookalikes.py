"""Copies of films and stills are found; people before a fixed camera are not lost."""

from pathlib import Path

import cv2
import numpy as np

from dataengine.active.query.lookalikes import lookalikes
from dataengine.people import Images, People

NOTHING = (
    People.build(
        image_id=[], bbox_xywh_px=np.empty((0, 4)), keypoints_px=np.empty((0, 17, 2)), visibility=np.empty((0, 17))
    ),
    Images.build(id=[], path=[], width=[], height=[]),
)


def place(seed: int) -> np.ndarray:
    rough = np.random.default_rng(seed).integers(0, 255, (9, 12, 3), dtype=np.uint8)
    return cv2.resize(rough, (320, 240), interpolation=cv2.INTER_CUBIC)


def saved(folder: Path, name: str, picture: np.ndarray, scale: float = 1.0) -> str:
    path = folder / name
    assert cv2.imwrite(str(path), cv2.resize(picture, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA))
    return str(path)


def table(paths: list[str], films: list[str], x_px: list[float]) -> tuple[People, Images]:
    """One person a picture, who begins at `x_px` of a picture 320 wide, whatever size it was saved in."""
    sizes = [cv2.imread(path).shape[1::-1] for path in paths]
    n, scale = len(paths), np.array([width / 320 for width, _ in sizes])
    images = Images.build(
        id=np.arange(n),
        path=paths,
        width=[width for width, _ in sizes],
        height=[height for _, height in sizes],
        video=films,
        frame=np.where(np.array(films) == "", -1, np.arange(n) * 50),
    )
    boxes = np.stack([np.array(x_px), np.full(n, 40), np.full(n, 50), np.full(n, 120)], axis=1) * scale[:, None]
    return People.build(
        image_id=np.arange(n), bbox_xywh_px=boxes, keypoints_px=np.zeros((n, 17, 2)), visibility=np.full((n, 17), 2)
    ), images


def test_a_copy_of_another_size_is_dropped_and_the_better_one_kept(tmp_path: Path) -> None:
    paths = [
        saved(tmp_path, "a.png", place(1)),
        saved(tmp_path, "b.jpg", place(1), 0.6),
        saved(tmp_path, "c.png", place(2)),
    ]
    people, images = table(paths, ["one.mp4", "two.mp4", ""], [30, 30, 30])
    assert lookalikes(people, images, np.array([0, 1, 2]), NOTHING).tolist() == [False, True, False]
    assert lookalikes(people, images, np.array([1, 0, 2]), NOTHING).tolist() == [True, False, False]


def test_who_has_moved_before_a_fixed_camera_is_kept(tmp_path: Path) -> None:
    paths = [saved(tmp_path, f"{i}.png", place(1)) for i in range(3)]
    people, images = table(paths, ["one.mp4", "two.mp4", "three.mp4"], [30, 120, 32])
    assert lookalikes(people, images, np.arange(3), NOTHING).tolist() == [False, False, True]


def test_one_film_is_left_to_the_gap_in_time_and_stills_are_not(tmp_path: Path) -> None:
    paths = [saved(tmp_path, f"{i}.png", place(1)) for i in range(2)]
    for film, expected in (("one.mp4", [False, False]), ("", [False, True])):
        people, images = table(paths, [film, film], [30, 30])
        assert lookalikes(people, images, np.arange(2), NOTHING).tolist() == expected


def test_what_a_labelled_picture_shows_is_dropped(tmp_path: Path) -> None:
    candidates = table(
        [saved(tmp_path, "a.png", place(1)), saved(tmp_path, "b.png", place(2))], ["one.mp4", ""], [30, 30]
    )
    labelled = table([saved(tmp_path, "l.jpg", place(1), 0.5)], ["studio.mp4"], [30])
    assert lookalikes(*candidates, np.arange(2), labelled).tolist() == [True, False]
    assert lookalikes(*NOTHING, np.arange(0), labelled).tolist() == []


def test_pictures_that_cannot_be_read_are_left_alone(tmp_path: Path) -> None:
    paths = [saved(tmp_path, f"{i}.png", place(1)) for i in range(2)]
    people, images = table(paths, ["", ""], [30, 30])
    Path(paths[0]).write_bytes(b"no picture")
    assert lookalikes(people, images, np.arange(2), NOTHING).tolist() == [False, False]


def test_pictures_of_two_people_are_copies_only_where_both_stand_still(tmp_path: Path) -> None:
    paths = [saved(tmp_path, f"{i}.png", place(1)) for i in range(2)]
    for second, expected in ((200.0, [False, True]), (262.0, [False, False])):
        (one, images), (other, _) = (table(paths, ["one.mp4", "two.mp4"], x) for x in ([30.0, 30.0], [200.0, second]))
        assert lookalikes(People.concat([one, other]), images, np.arange(2), NOTHING).tolist() == expected
