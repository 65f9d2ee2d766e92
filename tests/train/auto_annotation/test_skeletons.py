"""The network's answers as skeletons; only the last test needs cvat-sdk."""

import pickle

import numpy as np
import pytest
from numpy.typing import NDArray

from dataengine.inference.running.prediction import Prediction
from dataengine.keypoints import UNLABELLED, VISIBLE
from dataengine.nets.person_score import PersonScore
from dataengine.people import People
from dataengine.train.auto_annotation.function import answered
from dataengine.train.auto_annotation.skeletons import person_spec, skeleton_points, skeletons

from .test_function import NEEDED

WIDTH, HEIGHT = 100, 60
BOX = np.array([[10.0, 20, 30, 40]], np.float32)


def prediction(*persons: NDArray[np.float64], person_score: PersonScore | None = None) -> Prediction:
    joints = np.array(persons, np.float32)
    sure, spread = np.full(joints.shape[:2], 0.9, np.float32), np.ones(joints.shape[:2], np.float32)
    return Prediction(joints, sure, spread, np.zeros_like(spread), person_score or PersonScore())


def at(x: float, y: float) -> NDArray[np.float64]:
    return np.full((17, 2), (x, y), np.float64)


@pytest.mark.parametrize(
    ("place", "flag"),
    [
        ((-0.5, -0.5), VISIBLE),  # the corner of the first pixel
        ((-0.51, 0.0), UNLABELLED),
        ((WIDTH - 0.51, HEIGHT - 0.51), VISIBLE),
        ((WIDTH - 0.5, 0.0), UNLABELLED),  # the far edge belongs to no pixel
        ((0.0, HEIGHT - 0.5), UNLABELLED),
    ],
)
def test_a_joint_outside_of_the_picture_has_no_place(place: tuple[float, float], flag: int) -> None:
    joints = at(15, 25)
    joints[3] = place
    people = answered(prediction(joints), BOX, (WIDTH, HEIGHT))
    assert people.visibility[0].tolist() == [VISIBLE] * 3 + [flag] + [VISIBLE] * 13
    assert skeleton_points(people, 0)[3].outside == (flag == UNLABELLED)


def test_joints_that_the_model_was_not_taught_have_no_place() -> None:
    taught = np.arange(17) >= 5
    people = answered(prediction(at(15, 25), person_score=PersonScore(taught=taught)), BOX, (WIDTH, HEIGHT))
    assert [point.outside for point in skeleton_points(people, 0)] == [True] * 5 + [False] * 12


def test_whoever_has_no_joint_in_the_picture_is_left_out() -> None:
    boxes = np.repeat(BOX, 2, axis=0)
    people = answered(prediction(at(-20, 5), at(15, 25)), boxes, (WIDTH, HEIGHT))
    np.testing.assert_array_equal(people.keypoints_px, at(15, 25)[None])


def test_nobody_is_an_answer() -> None:
    nothing = np.zeros((0, 17), np.float32)
    found = Prediction(np.zeros((0, 17, 2), np.float32), nothing, nothing, nothing)
    assert len(answered(found, np.zeros((0, 4), np.float32), (WIDTH, HEIGHT))) == 0


@pytest.fixture
def person() -> People:
    """A joint of each flag, all of them at (15.25, 15.25)."""
    flags = np.array([[0, 1, 2] + [0] * 14])
    return People.build(image_id=[1], bbox_xywh_px=BOX, keypoints_px=np.full((1, 17, 2), 15.25), visibility=flags)


def test_flags_become_states_and_places_count_from_the_corner(person: People) -> None:
    points = skeleton_points(person, 0)
    assert [(each.outside, each.occluded) for each in points[:4]] == [
        (True, False),
        (False, True),
        (False, False),
        (True, False),
    ]
    assert points[1].place == points[2].place == (15.75, 15.75)


def test_joints_without_a_place_lie_in_the_box(person: People) -> None:
    absent = np.array([each.place for each in skeleton_points(person, 0) if each.outside])
    assert len(absent) == 15
    assert (absent >= [10, 20]).all() and (absent <= [40, 60]).all()


def test_cvats_classes_hold_the_same_and_survive_the_way_from_a_worker(person: People) -> None:
    """cvat-cli's agent runs the function in a process of its own: the labels and the answers come back pickled."""
    pytest.importorskip("cvat_sdk", reason=NEEDED)
    (answer,), spec = pickle.loads(pickle.dumps((skeletons(person), person_spec())))
    expected = [(list(each.place), each.outside, each.occluded) for each in skeleton_points(person, 0)]
    assert [(list(each.points), each.outside, each.occluded) for each in answer.elements] == expected
    (label,) = spec.labels
    assert [each.label_id for each in answer.elements] == [each.id for each in label.sublabels]
    assert answer.label_id == label.id
