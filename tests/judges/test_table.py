"""Judges on a made track, and the distance from what other cameras see."""

from dataclasses import replace

import numpy as np
import pytest

from dataengine.errors import InputError
from dataengine.geometry.cameras import project
from dataengine.judges.answers import TeacherAnswers
from dataengine.judges.several_views import other_views_error
from dataengine.judges.table import CAMERAS, CONFIDENCE, FLIP, LIFTED, JudgedTrack, signs_of, trust_of
from dataengine.keypoints import COCO_SIGMAS

from ..multiview.test_triangulation import cameras_around

FRAMES, WRONG_FRAME, WRONG_JOINT = 30, 12, 9


def answers(rng: np.random.Generator, wrong: bool) -> TeacherAnswers:
    """A steady walk a pixel off; where `wrong`, one joint of one frame is far off, and every view differs on it."""
    way = 100 + np.arange(FRAMES)[:, None, None] * [2.0, 0.5] + rng.uniform(0, 80, (17, 2))

    def seen() -> np.ndarray:
        points = way + rng.normal(0, 0.5, way.shape)
        if wrong:
            points[WRONG_FRAME, WRONG_JOINT] += rng.normal(0, 60, 2) + 40
        return points

    confidence = np.full((FRAMES, 17), 0.9)
    confidence[WRONG_FRAME, WRONG_JOINT] = 0.2 if wrong else 0.9
    return TeacherAnswers(seen(), confidence, seen(), np.stack([seen() for _ in range(4)]))


def test_every_judge_trusts_the_wrong_joint_least() -> None:
    bad = answers(np.random.default_rng(0), wrong=True)
    good = answers(np.random.default_rng(0), wrong=False)
    error = np.zeros((FRAMES, 17))
    error[WRONG_FRAME, WRONG_JOINT] = np.inf
    track = JudgedTrack(np.arange(FRAMES) / 25, 100.0, {"bad": bad, "good": good}, {"bad": error})
    trust = trust_of(track, "bad")
    assert len(trust) == 9
    for judge, each in trust.items():
        # a causal filter is late, and a jump is seen from its neighbours, too
        frame, joint = np.unravel_index(int(each.argmin()), each.shape)
        assert joint == WRONG_JOINT and abs(int(frame) - WRONG_FRAME) <= 1, judge
    signs = signs_of(trust)
    assert signs.shape == (FRAMES, 17, 8) and np.isfinite(signs).all(), "all but the cameras"
    assert CAMERAS not in trust_of(track, "good") and CONFIDENCE in trust_of(track, "good")


def test_distances_count_as_wide_as_oks_takes_the_joint_to_be() -> None:
    """The mirror image is 5 px off everywhere: that says more against an eye than against a hip."""
    seen = answers(np.random.default_rng(0), wrong=False)
    off = replace(seen, mirrored_px=np.add(seen.points_px, [3.0, 4.0]))
    track = JudgedTrack(np.arange(FRAMES) / 25, 100.0, {"one": off}, {}, {"one": np.full((FRAMES, 17), 0.2)})
    trust = trust_of(track, "one")
    for judge, distance in ((FLIP, 0.05), (LIFTED, 0.2)):
        np.testing.assert_allclose(-trust[judge][0] * COCO_SIGMAS / COCO_SIGMAS.mean(), distance)
    np.testing.assert_array_equal(trust[CONFIDENCE], seen.confidence)
    assert signs_of(trust).shape == (FRAMES, 17, 8)


def test_short_tracks_are_judged_too() -> None:
    whole = answers(np.random.default_rng(1), wrong=False)
    track = JudgedTrack(np.array([0.0]), 100.0, {"alone": whole.take(np.array([0]))}, {})
    assert all(np.isfinite(each).all() and each.shape == (1, 17) for each in trust_of(track, "alone").values())


def test_the_view_that_is_wrong_is_far_from_what_the_others_see() -> None:
    """Pictures are half as large as the calibrated video."""
    cameras = [replace(camera, size_px=(1080, 1920)) for camera in cameras_around()]
    world = np.random.default_rng(0).uniform(-0.5, 0.5, (5 * 17, 3))
    uv = np.stack([project(world, c.K, c.cam_from_world, c.distortion)[0] for c in cameras])
    small = ((uv + 0.5) / 2 - 0.5).reshape(4, 5, 17, 2)
    small[1, 3, 6] += 30
    error = other_views_error(small, np.ones((4, 5, 17)), cameras, [(540, 960)] * 4)
    assert error[1, 3, 6] == pytest.approx(60 * np.sqrt(2), rel=0.02)
    error[:, 3, 6] = 0
    assert error.max() < 0.5


def test_cameras_that_cannot_judge_are_refused() -> None:
    cameras = cameras_around()
    points, sure = np.zeros((4, 1, 17, 2)), np.ones((4, 1, 17))
    with pytest.raises(InputError, match="names no size"):
        other_views_error(points, sure, cameras, [(540, 960)] * 4)
    with pytest.raises(InputError, match="3 or more"):
        other_views_error(points[:2], sure[:2], cameras[:2], [(540, 960)] * 2)
