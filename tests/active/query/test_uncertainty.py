"""Uncertainties against values worked out another way."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy.stats import rankdata

from dataengine.active.query.embeddings import joint_embedding
from dataengine.active.query.uncertainty import (
    MOST_FRAMES_BETWEEN,
    Where,
    combine_by_rank,
    disagreement,
    implausibility,
    jump,
    person_mean,
    rank_fraction,
    scatter,
    spread,
    teacher_disagreement,
)
from dataengine.evaluation.ap.oks import coco_ap
from dataengine.evaluation.ap.protocol import COCO, OksProtocol
from dataengine.keypoints import COCO_KEYPOINTS
from dataengine.people import Images, People
from dataengine.person_scale import area_of_boxes

from ...helpers.own_sigmas import OWN_PROTOCOL
from ..conftest import STANDING

BOXES = np.array([[0, 0, 40, 90], [10, 10, 100, 100]], dtype=np.float32)
AREA = area_of_boxes(BOXES)


def random_points(seed: int) -> NDArray[np.float64]:
    return np.random.default_rng(seed).uniform(0, 100, (2, 17, 2))


def test_distances_are_shares_of_the_persons_size() -> None:
    points = random_points(0)
    moved = points + np.array([3.0, 4.0])
    assert disagreement(points, moved, BOXES) == pytest.approx(np.tile([[5 / 60], [5 / 100]], (1, 17)))
    assert spread(np.full((2, 17), 6.0), BOXES) == pytest.approx(np.tile([[0.1], [0.06]], (1, 17)))
    assert scatter([points, moved], BOXES) == pytest.approx(np.tile([[2.5 / 60], [2.5 / 100]], (1, 17)))
    assert not scatter([points], BOXES).any()


def test_uncertainty_does_not_depend_on_the_pictures_resolution() -> None:
    points, teacher, visible = random_points(1), random_points(1) + 2, np.full((2, 17), 2)
    once = teacher_disagreement(points, teacher, visible, AREA)
    assert teacher_disagreement(points * 3, teacher * 3, visible, AREA * 9) == pytest.approx(once)
    assert disagreement(points * 3, teacher * 3, BOXES * 3) == pytest.approx(disagreement(points, teacher, BOXES))
    assert implausibility(points * 3) == pytest.approx(implausibility(points), nan_ok=True)


@pytest.mark.parametrize("protocol", [COCO, OWN_PROTOCOL], ids=lambda protocol: protocol.sigmas_name)
@pytest.mark.parametrize("shift_px", [2.0, 4.0, 7.0])
def test_teacher_disagreement_is_one_minus_pycocotools_oks(shift_px: float, protocol: OksProtocol) -> None:
    """COCO's evaluation counts a detection as found at a threshold just when its OKS reaches it."""
    teacher = random_points(2)[:1]
    student = teacher + shift_px
    visibility = np.array([[2, 0] * 8 + [1]])
    similarity = 1 - person_mean(teacher_disagreement(student, teacher, visibility, AREA[:1], protocol))[0]
    truth = People.build(image_id=[1], bbox_xywh_px=BOXES[:1], keypoints_px=teacher, visibility=visibility)
    found = truth.replace(keypoints_px=student.astype(np.float32), visibility=np.full((1, 17), 2, np.uint8))
    images = Images.build(id=[1], path=["x.png"], width=100, height=100)
    reached = np.arange(0.5, 0.96, 0.05) <= similarity
    assert coco_ap(truth, images, found, protocol)["AP"] == pytest.approx(reached.mean())


def test_without_a_teachers_joint_nothing_is_claimed() -> None:
    none = person_mean(teacher_disagreement(random_points(3), random_points(4), np.zeros((2, 17), int), AREA))
    assert np.isnan(none).all()
    assert rank_fraction(none).tolist() == [0.5, 0.5]


def test_a_persons_mean_is_that_of_what_is_known() -> None:
    values = np.random.default_rng(0).random((4, 17))
    values[1, 3:] = np.nan
    assert person_mean(values) == pytest.approx(np.nanmean(values, axis=1))
    assert np.isnan(person_mean(np.full((2, 17), np.nan))).all() and person_mean(np.empty((0, 17))).shape == (0,)


def film(frames: list[int], track: int = 0, video: str = "a") -> Where:
    n = len(frames)
    boxes = np.tile(np.array([[0, 0, 10, 10]], np.float32), (n, 1))
    return Where(boxes, np.full(n, track), np.full(n, video), np.array(frames))


def test_a_joint_that_leaves_its_way_jumps() -> None:
    """Frames come in any order, unevenly spaced; ends of the film have no way."""
    frames = [7, 0, 2, 12]
    points = np.random.default_rng(0).random((1, 17, 2)) + np.array(frames)[:, None, None] * [2.0, -1.0]
    assert jump(points, film(frames))[[0, 2]] == pytest.approx(np.zeros((2, 17)))
    assert np.isnan(jump(points, film(frames))[[1, 3]]).all()
    points[0, 4] += [3, 4]
    off = jump(points, film(frames))
    assert off[0, 4] == pytest.approx(0.5) and off[0, 5] == pytest.approx(0)
    assert off[2, 4] == pytest.approx(0.5 * 2 / 7), "its neighbour's way leads through it"


@pytest.mark.parametrize(
    "where",
    [film([0, 5, 10], track=-1), film([0, 5, 10], video=""), film([0, 5, 6 + MOST_FRAMES_BETWEEN]), film([0, 0, 5])],
)
def test_without_neighbours_in_time_nothing_jumps(where: Where) -> None:
    assert np.isnan(jump(np.zeros((3, 17, 2)), where)).all()
    assert jump(np.zeros((0, 17, 2)), film([])).shape == (0, 17)


def test_tracks_are_not_mixed() -> None:
    where = Where(film([0, 5, 10]).bbox_xywh_px, np.array([0, 1, 0]), np.full(3, "a"), np.array([0, 5, 10]))
    assert np.isnan(jump(np.zeros((3, 17, 2)), where)).all()


def test_a_bone_that_is_too_long_is_implausible() -> None:
    people = np.tile(STANDING[None] * 200, (2, 1, 1))
    plain = implausibility(people)
    assert np.isnan(plain[:, :5]).all() and not np.isnan(plain[:, 5:]).any()
    wrist = COCO_KEYPOINTS.index("left_wrist")
    people[1, wrist] += [150, 80]
    odd = implausibility(people)
    assert odd[0] == pytest.approx(plain[0], nan_ok=True)
    assert odd[1, wrist] > 1 and np.nanargmax(odd[1]) in (wrist, COCO_KEYPOINTS.index("left_elbow"))


@given(st.lists(st.one_of(st.integers(-5, 5).map(float), st.just(float("nan"))), min_size=2, max_size=30))
def test_rank_fraction_is_scipys_average_rank(values: list[float]) -> None:
    column = np.array(values)
    known = ~np.isnan(column)
    expected = np.full(len(column), 0.5)
    if known.sum() > 1:
        expected[known] = (rankdata(column[known]) - 1) / (known.sum() - 1)
    assert rank_fraction(column) == pytest.approx(expected)


def test_weights_decide_which_score_leads() -> None:
    scores = {"a": np.array([1.0, 2.0, 3.0]), "b": np.array([300.0, 200.0, 100.0])}
    assert combine_by_rank(scores, {"a": 1, "b": 0}).tolist() == [0, 0.5, 1]
    assert combine_by_rank(scores, {"a": 0, "b": 2}).tolist() == [1, 0.5, 0]
    assert combine_by_rank(scores, {"a": 1, "b": 1}).tolist() == [0.5, 0.5, 0.5]


def test_appearance_weight_is_its_share_of_the_squared_distance() -> None:
    rng = np.random.default_rng(0)
    pose, appearance = rng.normal(0, 1, (50, 34)), rng.normal(0, 900, (50, 64))
    squares = joint_embedding(pose, appearance, 0.3) ** 2
    assert squares[:, 34:].sum() / squares.sum() == pytest.approx(0.3)
    same = joint_embedding(np.ones((4, 34)), np.ones((4, 2)), 0.5)
    assert not same.any()
