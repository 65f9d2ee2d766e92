import numpy as np
import pytest

from dataengine.errors import InputError
from dataengine.evaluation.pck import pck, pckh, torso_px
from dataengine.people import People


def standing(visibility: np.ndarray | int = 2) -> People:
    points = np.zeros((17, 2))
    points[5], points[6] = (30, 0), (0, 0)  # shoulders
    points[11], points[12] = (30, 40), (0, 40)  # hips: both diagonals are 50 px
    flags = np.broadcast_to(np.asarray(visibility), (1, 17))
    return People.build(image_id=[1], bbox_xywh_px=[0, 0, 60, 120], keypoints_px=points[None], visibility=flags)


def test_threshold_is_a_fraction_of_the_torso_diagonal() -> None:
    gt = standing()
    assert torso_px(gt) == pytest.approx([50.0])
    moved = gt.keypoints_px.copy()
    moved[0, 9, 0] += 9.9
    moved[0, 10, 0] += 10.1  # 0.2 x 50 px = 10 px
    assert pck(gt, moved) == pytest.approx(16 / 17)


def test_unlabelled_joints_count_nowhere() -> None:
    visibility = np.full(17, 2)
    visibility[:5] = 0
    gt = standing(visibility)
    moved = gt.keypoints_px.copy()
    moved[0, :5] += 1000
    assert pck(gt, moved) == 1.0


def test_without_hips_half_the_box_stands_in() -> None:
    visibility = np.full(17, 2)
    visibility[11:13] = 0
    assert torso_px(standing(visibility)) == pytest.approx([60.0])


def test_nobody_labelled_is_zero() -> None:
    assert pck(standing(0), standing(0).keypoints_px) == 0.0


def test_pckh_takes_labelled_heads_only() -> None:
    gt = People.concat([standing(), standing(), standing()]).with_extra(
        "head_size_px", np.array([20.0, None, float("nan")])
    )
    moved = gt.keypoints_px.copy()
    moved[0, 9, 0] += 9.9
    moved[0, 10, 0] += 10.1  # 0.5 x 20 px = 10 px
    moved[1:] += 1000  # no head is labelled: counts nowhere
    assert pckh(gt, moved) == pytest.approx(16 / 17)


def test_pckh_without_heads_is_refused() -> None:
    with pytest.raises(InputError, match="head_size_px"):
        pckh(standing(), standing().keypoints_px)
