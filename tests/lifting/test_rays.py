"""Pixels to rays against OpenCV, and what the network sees of them."""

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dataengine.errors import InputError
from dataengine.lifting.body import BONES, bone_lengths, mirrored_joints
from dataengine.lifting.rays import FEATURES, normalised, rays_of, usual_intrinsics

from .made_motions import STANDING, seen_track

K = np.array([[500.0, 2.0, 311.0], [0, 480.0, 250.0], [0, 0, 1]])


def test_rays_are_opencvs() -> None:
    points = np.random.default_rng(0).uniform(0, 600, (4, 17, 2))
    for bent in (None, np.array([0.1, -0.05, 0.001, 0.002])):
        expected = cv2.undistortPoints(points.reshape(-1, 1, 2), K, np.zeros(4) if bent is None else bent)
        if bent is None:  # OpenCV's takes no skew: undo it by hand
            y = (points[..., 1] - 250) / 480
            expected = np.stack([(points[..., 0] - 311 - 2 * y) / 500, y], axis=-1)
        np.testing.assert_allclose(rays_of(points, K, bent), expected.reshape(points.shape), atol=1e-9)
    assert np.isnan(rays_of(np.full((17, 2), np.nan), K)).all()
    for wrong in (np.eye(4), np.diag([0.0, 1.0, 1.0]), np.full((3, 3), np.nan)):
        with pytest.raises(InputError, match="camera"):
            rays_of(points, wrong)
    assert usual_intrinsics(101, 51)[:2, 2].tolist() == [50, 25]


@settings(max_examples=25, deadline=None)
@given(scale=st.floats(0.2, 5), x=st.floats(-0.5, 0.5), y=st.floats(-0.5, 0.5), seed=st.integers(0, 99))
def test_place_and_size_change_the_last_three_inputs_alone(scale: float, x: float, y: float, seed: int) -> None:
    rng = np.random.default_rng(seed)
    rays, sure = seen_track(6)[0].rays[None], rng.random((1, 6, 17))
    plain, moved = normalised(rays, sure), normalised(rays * scale + [x, y], sure)
    assert plain.inputs.shape == (1, 6, FEATURES)
    np.testing.assert_allclose(plain.inputs[..., :-3], moved.inputs[..., :-3], atol=1e-4)
    np.testing.assert_allclose(moved.spread, scale * plain.spread, rtol=1e-4)
    np.testing.assert_allclose(moved.middle, scale * plain.middle + [x, y], atol=1e-5)


def test_what_is_missing_is_seen_as_missing_and_nothing_comes_from_later() -> None:
    rays, sure = seen_track(6)[0].rays[None].copy(), np.ones((1, 6, 17))
    rays[0, 0], sure[0, 2] = np.nan, 0.0
    rays[0, 3, 5] = np.inf
    sure[0, 4, 3] = np.nan
    seen = normalised(rays, sure)
    assert np.isfinite(seen.inputs).all() and np.isfinite(seen.spread).all() and (seen.spread > 0).all()
    assert not seen.inputs[0, [0, 2], :-3].any(), "nobody is seen in these frames"
    np.testing.assert_array_equal(seen.middle[0, 2], seen.middle[0, 1])
    np.testing.assert_array_equal(seen.inputs[0, 3, 15:18], 0)
    np.testing.assert_array_equal(seen.inputs[0, 4, 9:12], 0)
    later = rays.copy()
    later[0, 1:] *= 1.3
    np.testing.assert_array_equal(normalised(later, sure).inputs[0, 0], seen.inputs[0, 0])


def test_a_mirror_turned_twice_is_none_and_bones_keep_their_lengths() -> None:
    np.testing.assert_array_equal(mirrored_joints(mirrored_joints(STANDING)), STANDING)
    lengths, mirrored = bone_lengths(STANDING), bone_lengths(mirrored_joints(STANDING))
    assert len(BONES) == len(lengths) == 12
    np.testing.assert_allclose(sorted(lengths), sorted(mirrored))
