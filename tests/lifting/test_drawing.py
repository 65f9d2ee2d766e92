"""Motions, virtual cameras, and errors that are replayed."""

from pathlib import Path

import numpy as np
import pytest

from dataengine.errors import InputError
from dataengine.geometry.cameras import project
from dataengine.lifting.body import bone_lengths, mirrored_joints, root_of
from dataengine.lifting.drawing import NEAREST_M, before_cameras, camera_turns, draw_windows, window_of_tracks
from dataengine.lifting.motions import Motions, motions_of, read_motions_file, write_motions
from dataengine.lifting.observed import MeasuredErrors, RayTrack
from dataengine.lifting.params import VirtualCameras

from .made_motions import SMALL, seen_track, small, swaying


def test_motions_come_back_from_their_file_and_others_are_refused(tmp_path: Path) -> None:
    motions = swaying()
    write_motions(tmp_path / "m.npz", motions)
    again = read_motions_file(tmp_path / "m.npz")
    assert again.names == motions.names and again.fps == motions.fps
    np.testing.assert_array_equal(again.joints_m, motions.joints_m)
    with pytest.raises(InputError, match="draw-motions"):
        read_motions_file(tmp_path / "none.npz")
    whole = (tmp_path / "m.npz").read_bytes()
    for damaged in (b"", b"no zip", whole[: len(whole) // 2], whole[:40] + b"\0" * 20 + whole[60:]):
        (tmp_path / "m.npz").write_bytes(damaged)
        with pytest.raises(InputError):
            read_motions_file(tmp_path / "m.npz")
    np.savez(tmp_path / "other.npz", a=np.zeros(3))
    with pytest.raises(InputError, match="no motions"):
        read_motions_file(tmp_path / "other.npz")
    for far in (np.nan, np.inf, 1e30):
        with pytest.raises(InputError, match="none further than 100000 m away"):
            motions_of(["x"], [np.full((3, 17, 3), far)], 10.0)
    np.savez(tmp_path / "still.npz", names=["a"], joints_m=np.zeros((3, 17, 3)), first=[0, 3], fps=0.0)
    with pytest.raises(InputError, match=r"still\.npz: motions are malformed: expected frames a second above 0"):
        read_motions_file(tmp_path / "still.npz")
    with pytest.raises(InputError, match="a motion or more"):
        Motions((), np.zeros((0, 17, 3), np.float32), np.zeros(1, np.int64), 10.0)


def test_between_frames_motions_are_linear_and_outside_they_stand_still() -> None:
    motions = swaying(2, frames=5, fps=10.0)
    at = motions.at(np.array([1]), np.array([[-1.0, 0.0, 0.25, 0.4, 9.0]]))[0]
    own = motions.joints_m[5:]
    np.testing.assert_allclose(at, [own[0], own[0], (own[2] + own[3]) / 2, own[4], own[4]], atol=1e-6)


def test_cameras_see_bodies_as_they_are_and_place_roots_as_drawn() -> None:
    """Rigid: bones keep their lengths; the person stands upright before a level camera; `project` agrees."""
    rng = np.random.default_rng(0)
    joints = swaying(3).at(np.arange(3), np.linspace(0, 1, 6)[None].repeat(3, axis=0)).astype(np.float64)
    cameras = VirtualCameras((2.0, 8.0), (0.0, 0.0), 0.0, 0.3, 0.0)
    placed = before_cameras(joints, np.zeros((3, 6)), 2, cameras, rng)
    np.testing.assert_allclose(bone_lengths(placed), bone_lengths(joints), atol=1e-6)
    root = root_of(placed)[:, 2, 0]
    assert ((root[:, 2] > 1.99) & (root[:, 2] < 8.01)).all() and (np.abs(root[:, :2] / root[:, 2:]) < 0.301).all()
    assert (placed[..., 0, 1] < placed[..., 15, 1]).all(), "y is down"
    close = before_cameras(joints, np.zeros((3, 6)), 2, VirtualCameras((0.3, 0.3)), rng)
    assert close[..., 2].min() > NEAREST_M - 1e-6
    turn = camera_turns(np.array([[0.4]]), np.array([[0.2]]), np.array([[0.1]]))[0, 0]
    np.testing.assert_allclose(turn @ turn.T, np.eye(3), atol=1e-12)
    assert np.linalg.det(turn) == pytest.approx(1)
    eye = np.concatenate([turn, [[0.1], [0.2], [5.0]]], axis=1)
    uv, depth = project(joints[0, 0], np.eye(3), eye)
    expected = joints[0, 0] @ turn.T + [0.1, 0.2, 5.0]
    np.testing.assert_allclose(uv, expected[:, :2] / expected[:, 2:])
    assert (turn[2, 2] < 0) and (depth > 0).all(), "pitch looks down"


def test_measured_errors_are_laid_over_others_with_their_confidence() -> None:
    track, _ = seen_track(10)
    spread = np.sqrt(((track.rays - track.rays.mean(axis=1, keepdims=True)) ** 2).sum(axis=-1).mean(axis=-1))
    off = np.zeros((10, 17, 2))
    off[:, 9] = [0.5, -0.2]
    confidence = np.ones((10, 17))
    confidence[:, 9], confidence[:, 4] = 0.3, 0.0
    truth = track.rays.copy()
    truth[:, 0] = np.nan
    seen = RayTrack(track.time_s, track.rays + off * spread[:, None, None], confidence)
    errors = MeasuredErrors.of([seen], [truth])
    drawn, sure = errors.drawn(40, 27, np.random.default_rng(0))
    assert drawn.shape == (40, 27, 17, 2) and sure.shape == (40, 27, 17)
    assert not sure[..., 0].any(), "nothing is known of joints without a label"
    plain, flipped = sure[:, 0, 9] < 0.5, sure[:, 0, 10] < 0.5
    assert (plain != flipped).all() and plain.any() and flipped.any()
    np.testing.assert_allclose(drawn[plain][..., 9, :], np.broadcast_to([0.5, -0.2], (plain.sum(), 27, 2)), atol=0.1)
    np.testing.assert_allclose(
        drawn[flipped][..., 10, :], np.broadcast_to([-0.5, -0.2], (flipped.sum(), 27, 2)), atol=0.1
    )
    with pytest.raises(InputError, match="no tracks"):
        MeasuredErrors.of([], [])


def test_windows_are_the_same_for_the_same_generator_and_show_what_they_claim() -> None:
    params = small(missing_share=0.0)
    first, again = (draw_windows(swaying(), MeasuredErrors.none(), params, 12, np.random.default_rng(3)) for _ in "ab")
    np.testing.assert_array_equal(first.seen.inputs, again.seen.inputs)
    middle = params.receptive_field // 2
    rays = first.joints_m[..., :2] / first.joints_m[..., 2:]
    inputs = first.seen.inputs[:, middle, :-3].reshape(12, 17, 3)
    shown = inputs[..., :2] * first.seen.spread[:, middle, None, None] + first.seen.middle[:, middle, None]
    np.testing.assert_allclose(shown, rays, atol=1e-4)
    hidden = draw_windows(swaying(), MeasuredErrors.none(), small(missing_share=1.0), 12, np.random.default_rng(3))
    assert (hidden.seen.inputs[..., 2:-3:3] == 0).any()


def test_windows_of_short_tracks_are_padded_and_mirrored() -> None:
    track, _ = seen_track(2)
    rays = track.rays.copy()
    rays[:, 3] = np.nan
    seen, asked, sure = window_of_tracks(
        [RayTrack(track.time_s, rays, track.confidence)], SMALL, 4, np.random.default_rng(0)
    )
    assert seen.inputs.shape[:2] == (4, 9) and np.isfinite(seen.inputs).all()
    assert not sure[0::2, 3].any() and not sure[1::2, 4].any() and sure[1::2, 3].all()
    options = np.nan_to_num(np.stack([rays, mirrored_joints(rays)]))
    for row in range(4):
        assert min(np.abs(options[row % 2, frame] - asked[row]).max() for frame in range(2)) < 1e-6


@pytest.mark.parametrize("frames", [0, 2])
def test_malformed_tracks_are_refused(frames: int) -> None:
    with pytest.raises(InputError, match="track"):
        RayTrack(np.zeros(frames), np.zeros((frames, 17, 2)), np.ones((frames, 17)))
    with pytest.raises(InputError, match="malformed"):
        RayTrack(np.arange(3.0), np.zeros((3, 16, 2)), np.ones((3, 17)))
