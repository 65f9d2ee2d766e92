"""A pose's vector: what it forgets, what it keeps, and joints that are not labelled."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from numpy.typing import NDArray

from dataengine.keypoints import COCO_KEYPOINTS
from dataengine.poses.embedding import BONES, DIMENSIONS, LEAST_BONES, _bones, _stature_px, embed_poses

from ..helpers.pose_samples import FIGURES, STANDING, mirrored, reaching

ALL = np.full(17, 2)
figures = arrays(np.float64, (17, 2), elements=st.floats(-1, 1, width=32)).map(lambda jitter: STANDING + 0.4 * jitter)
flags = arrays(np.int64, 17, elements=st.sampled_from([0, 1, 2, 2, 2, 2]))


def embed(figure: NDArray[np.float64], visibility: NDArray[np.int64] = ALL) -> NDArray[np.float64]:
    vectors, usable = embed_poses(figure[None], visibility[None])
    assert vectors.shape == (1, DIMENSIONS) and usable.shape == (1,)
    return np.asarray(vectors[0])


def distance(a: NDArray[np.float64], b: NDArray[np.float64]) -> float:
    return float(np.linalg.norm(embed(a) - embed(b)))


@settings(deadline=None)  # other work on the machine must not fail it
@given(figures, flags, st.floats(-2000, 2000), st.floats(-2000, 2000), st.floats(0.05, 500))
def test_place_and_size_are_forgotten(
    figure: NDArray[np.float64], visibility: NDArray[np.int64], x: float, y: float, scale: float
) -> None:
    assert embed(figure * scale + (x, y), visibility) == pytest.approx(embed(figure, visibility), abs=1e-8)


@settings(deadline=None)  # other work on the machine must not fail it
@given(figures, flags, st.floats(-100, 100))
def test_the_mirror_image_is_the_same_pose(
    figure: NDArray[np.float64], visibility: NDArray[np.int64], around: float
) -> None:
    twin = np.array([COCO_KEYPOINTS.index(name) for name in map(_other_side, COCO_KEYPOINTS)])
    assert embed(mirrored(figure, around), visibility[twin]) == pytest.approx(embed(figure, visibility), abs=1e-9)


def _other_side(name: str) -> str:
    return name.replace("left", "?").replace("right", "left").replace("?", "right")


@settings(deadline=None)  # other work on the machine must not fail it
@given(figures, figures, flags)
def test_unlabelled_joints_say_nothing(
    figure: NDArray[np.float64], other: NDArray[np.float64], visibility: NDArray[np.int64]
) -> None:
    changed = np.where((visibility == 0)[:, None], other, figure)
    assert np.array_equal(embed(changed, visibility), embed(figure, visibility))
    unlabelled_is_nan = np.where((visibility == 0)[:, None], np.nan, figure)
    assert np.array_equal(embed(unlabelled_is_nan, visibility), embed(figure, visibility))


@settings(deadline=None)  # other work on the machine must not fail it
@given(figures)
def test_a_small_change_of_pose_is_a_small_change_of_vector(figure: NDArray[np.float64]) -> None:
    nudged = figure + np.random.default_rng(0).normal(0, 1e-6, figure.shape)
    assert distance(figure, nudged) < 1e-3


@settings(deadline=None)  # other work on the machine must not fail it
@given(st.integers(0, 2), st.integers(0, 2**32 - 1), st.integers(5, 16))
def test_a_missing_joint_leaves_the_pose_nearest_to_itself(kind: int, seed: int, missing: int) -> None:
    figure = FIGURES[kind] + np.random.default_rng(seed).normal(0, 0.01, (17, 2))
    visibility = ALL.copy()
    visibility[missing] = 0
    seen = embed(figure, visibility)
    distances = [float(np.linalg.norm(seen - embed(other))) for other in FIGURES]
    assert int(np.argmin(distances)) == kind


@settings(deadline=None)  # other work on the machine must not fail it
@given(figures, flags, st.integers(0, 2**32 - 1))
def test_what_is_filled_in_changes_as_little_as_what_is_seen(
    figure: NDArray[np.float64], visibility: NDArray[np.int64], seed: int
) -> None:
    nudged = figure + np.random.default_rng(seed).normal(0, 1e-7, figure.shape)
    assert np.linalg.norm(embed(figure, visibility) - embed(nudged, visibility)) < 1e-3


def test_many_at_once_are_as_each_alone() -> None:
    rng = np.random.default_rng(0)
    points, visibility = rng.normal(size=(9000, 17, 2)), rng.integers(0, 3, (9000, 17))
    vectors, usable = embed_poses(points, visibility)
    rows = [0, 8191, 8192, 8999]
    assert np.array_equal(vectors[rows], embed_poses(points[rows], visibility[rows])[0])
    single, same = embed_poses(points, visibility, np.float32)
    assert single.dtype == np.float32 and np.array_equal(usable, same)
    assert single == pytest.approx(vectors, abs=1e-5)


def test_poses_differ_more_than_their_noise() -> None:
    rng = np.random.default_rng(0)
    noisy = STANDING + rng.normal(0, 0.01, STANDING.shape)
    for other in FIGURES[1:]:
        assert distance(STANDING, noisy) < 0.2 * distance(STANDING, other)


def test_turning_in_the_image_is_another_pose() -> None:
    upside_down = -STANDING
    assert distance(STANDING, upside_down) > distance(STANDING, reaching())


@pytest.mark.parametrize("missing", [[9], [7], [7, 9], [15], [13], [13, 15], [9, 16], [7, 9, 13, 15]])
def test_a_missing_limb_hangs_straight(missing: list[int]) -> None:
    straight = np.zeros((17, 2))
    for side, (left, x) in enumerate([(True, 0.13), (False, -0.13)]):
        assert COCO_KEYPOINTS[5 + side].startswith("left") == left
        heights = {5: 0.0, 7: 0.186, 9: 0.332, 11: 0.288, 13: 0.533, 15: 0.779}
        for joint, y in heights.items():
            straight[joint + side] = [x, y]
    visibility = ALL.copy()
    visibility[missing] = 0
    assert embed(straight, visibility) == pytest.approx(embed(straight), abs=1e-12)


def test_too_few_joints_are_no_pose() -> None:
    few = np.zeros(17, dtype=np.int64)
    few[[5, 7, 9, 11]] = 2  # upper arm, forearm, trunk side
    assert LEAST_BONES == 4
    enough = few.copy()
    enough[6] = 1  # and the shoulder line
    points = np.stack([STANDING] * 4)
    points[3] = 7.0  # all joints in one place
    vectors, usable = embed_poses(points, np.stack([few, enough, np.zeros_like(few), ALL]))
    assert usable.tolist() == [False, True, False, False]
    assert np.isfinite(vectors).all() and not vectors[[0, 2, 3]].any() and vectors[1].any()


def test_nobody_is_fine() -> None:
    vectors, usable = embed_poses(np.empty((0, 17, 2)), np.empty((0, 17), dtype=np.uint8))
    assert vectors.shape == (0, DIMENSIONS) and usable.shape == (0,)


def stature(figure: NDArray[np.float64], visibility: NDArray[np.int64] = ALL) -> float:
    return float(_stature_px(_bones(figure[None], visibility[None] > 0)[0])[0])


def figure_of_stature(stature_px: float) -> NDArray[np.float64]:
    """A person whose bones have just the lengths of the table, all in the picture's plane."""
    points: dict[str, NDArray[np.float64]] = {}
    for side, sign in (("left", 1.0), ("right", -1.0)):
        trunk, reach = BONES[f"{side}_trunk"][2], (BONES["shoulders"][2] - BONES["hips"][2]) / 2
        points[f"{side}_hip"] = np.array([sign * BONES["hips"][2] / 2, 0.0])
        points[f"{side}_shoulder"] = points[f"{side}_hip"] + [sign * reach, -np.sqrt(trunk**2 - reach**2)]
        for joint, start, bone, way in (
            ("elbow", "shoulder", "upper_arm", (sign, 0.0)),
            ("wrist", "elbow", "forearm", (0.0, 1.0)),
            ("knee", "hip", "thigh", (0.0, 1.0)),
            ("ankle", "knee", "shank", (0.0, 1.0)),
        ):
            points[f"{side}_{joint}"] = points[f"{side}_{start}"] + BONES[f"{side}_{bone}"][2] * np.array(way)
    return stature_px * np.array([points.get(name, np.zeros(2)) for name in COCO_KEYPOINTS])


def test_stature_is_that_of_the_bones() -> None:
    assert stature(figure_of_stature(170.0)) == pytest.approx(170)
    foreshortened = figure_of_stature(170.0) * (1.0, 0.3)  # seen from above: what lies across still shows it
    assert stature(foreshortened) == pytest.approx(170, rel=0.02)


@settings(deadline=None)
@given(st.integers(5, 16), st.floats(-1000, 1000), st.floats(-1000, 1000))
def test_one_wrong_joint_does_not_make_the_person_larger(joint: int, x: float, y: float) -> None:
    """The longest bone alone would: without bound."""
    figure = figure_of_stature(170.0)
    figure[joint] += (x, y)
    assert stature(figure) == pytest.approx(170)
