"""Boxes between detections, and how tracks begin and end."""

import numpy as np

from dataengine.infer.following import Follower
from dataengine.infer.shown import Shown
from dataengine.keypoints import VISIBLE
from dataengine.people import JOINT_CONFIDENCE, JOINTS, People

TAUGHT = np.ones(JOINTS, dtype=bool)
NOBODY = np.empty((0, 4))


def shown(index: int, boxes: np.ndarray | None = None) -> Shown:
    return Shown(index, f"{index}.jpg", index / 10, np.zeros((200, 300, 3), np.uint8), boxes)


def standing(picture: Shown, boxes: np.ndarray, ids: np.ndarray, shift: float = 0.0, score: float = 0.8) -> People:
    """Joints that fill the middle of the boxes, moved by `shift` to the right."""
    shares = np.linspace(0.2, 0.8, JOINTS)[:, None] * np.ones(2)
    joints = boxes[:, None, :2] + shares * boxes[:, None, 2:] + [shift, 0]
    people = People.build(
        image_id=np.full(len(ids), picture.index + 1), bbox_xywh_px=boxes, keypoints_px=joints,
        visibility=np.full((len(ids), JOINTS), VISIBLE), score=np.full(len(ids), score), track_id=ids,
    )  # fmt: skip
    return people.with_extra(JOINT_CONFIDENCE, np.full((len(ids), JOINTS), 0.5, dtype=np.float32))


def answer(follower: Follower, pictures: list[Shown], *, speed: float = 0.0, score: float = 0.8) -> list[People]:
    placed = follower.place(pictures)
    people = [
        standing(picture, boxes, ids, speed * number, score)
        for number, (picture, (boxes, ids)) in enumerate(zip(pictures, placed, strict=True))
    ]
    follower.learn(pictures, people, TAUGHT)
    return people


def test_a_box_goes_on_at_the_speed_of_the_joints() -> None:
    follower = Follower(lambda picture, expected: NOBODY)
    start = np.array([[50.0, 50, 40, 80]])
    answer(follower, [shown(0, start), shown(1), shown(2)], speed=6)
    ((boxes, ids),) = follower.place([shown(4)])
    assert ids.tolist() == [0]
    # at picture 2 the joints lay 12 px further; two pictures later it is twice 6 px more
    np.testing.assert_allclose(boxes[0, :2] + boxes[0, 2:] / 2, [70 + 12 + 12, 90], atol=0.6)


def test_who_is_found_elsewhere_is_new_and_who_is_missed_twice_is_gone() -> None:
    asked: list[np.ndarray] = []

    def nobody(picture: Shown, expected: np.ndarray | None) -> np.ndarray:
        assert expected is not None
        asked.append(expected)
        return NOBODY

    follower = Follower(nobody)
    one, two = np.array([[50.0, 50, 40, 80]]), np.array([[200.0, 60, 40, 80]])
    answer(follower, [shown(0, one)])
    (people,) = answer(follower, [shown(1, np.concatenate([two, one]))])
    assert people.track_id.tolist() == [0, 1]
    (people,) = answer(follower, [shown(2, two)])
    assert people.track_id.tolist() == [0, 1] and len(asked) == 1, "the first is looked for where it should be"
    (people,) = answer(follower, [shown(3, two)])
    assert people.track_id.tolist() == [1]
    middle = asked[0][:, :2] + asked[0][:, 2:] / 2
    np.testing.assert_allclose(middle[0], [70.5, 90.5], atol=0.6)


def test_who_is_found_where_expected_stays() -> None:
    follower = Follower(lambda picture, expected: NOBODY if expected is None else expected + 1.0)
    answer(follower, [shown(0, np.array([[50.0, 50, 40, 80]]))])
    for index in range(1, 6):
        (people,) = answer(follower, [shown(index, NOBODY)])
        assert people.track_id.tolist() == [0]


def test_who_is_lost_is_looked_for_in_the_next_picture() -> None:
    asked = []

    def again(picture: Shown, expected: np.ndarray | None) -> np.ndarray:
        assert expected is None, "everybody is looked for"
        asked.append(picture.index)
        return np.array([[90.0, 50, 40, 80]])

    follower = Follower(again)
    answer(follower, [shown(0, np.array([[50.0, 50, 40, 80]]))])
    answer(follower, [shown(1)], score=0.1)
    (people,) = answer(follower, [shown(2)])
    assert asked == [2] and people.track_id.tolist() == [1]
    answer(follower, [shown(3)])
    assert asked == [2], "once"


def test_of_two_tracks_on_one_person_one_is_left() -> None:
    follower = Follower(lambda picture, expected: NOBODY)
    pictures = [shown(0, np.array([[50.0, 50, 40, 80], [150.0, 50, 40, 80]]))]
    (placed,) = follower.place(pictures)
    boxes, ids = placed
    people = standing(pictures[0], np.repeat(boxes[:1], 2, axis=0), ids)
    follower.learn(pictures, [people], TAUGHT)
    ((_, left),) = follower.place([shown(1)])
    assert left.tolist() == [0]


def test_who_walks_out_of_the_picture_is_gone() -> None:
    follower = Follower(lambda picture, expected: NOBODY)
    answer(follower, [shown(0, np.array([[250.0, 50, 40, 80]])), shown(1)], speed=40)
    assert [len(ids) for _, ids in follower.place([shown(4), shown(5)])] == [0, 0]
