from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest

from dataengine.errors import InputError
from dataengine.multiview.qualisys import CalibratedCamera, read_calibration
from dataengine.multiview.triangulation import (
    Agreement,
    align_principal_points,
    reprojection_error_px,
    triangulate_plain,
    triangulate_robust,
)

AGREEMENT = Agreement(max_error_px=10.0, min_views=3, min_confidence=0.3)


def cameras_around(count: int = 4) -> list[CalibratedCamera]:
    """Cameras on a circle of 4 m, looking at the origin; world z up."""
    made = []
    for number in range(count):
        angle = 2 * np.pi * number / count + 0.3
        centre = np.array([4 * np.cos(angle), 4 * np.sin(angle), 1.0 + 0.2 * number])
        forward = -centre / np.linalg.norm(centre)
        right = np.cross(forward, [0, 0, 1])
        right /= np.linalg.norm(right)
        rotation = np.stack([right, np.cross(forward, right), forward])
        made.append(
            CalibratedCamera(
                name=f"cam{number}",
                K=np.array([[1500.0, 0, 540], [0, 1500.0, 960], [0, 0, 1]]),
                distortion=np.array([-0.04, 0.1, 0.0006, 0.0007]),
                cam_from_world=np.concatenate([rotation, -(rotation @ centre)[:, None]], axis=1),
            )
        )
    return made


def seen_by(cameras: list[CalibratedCamera], points: np.ndarray) -> np.ndarray:
    """(v, n, 2) by OpenCV, not by our own projection."""
    return np.stack(
        [
            cv2.projectPoints(
                points, cv2.Rodrigues(c.cam_from_world[:, :3])[0], c.cam_from_world[:, 3], c.K, c.distortion
            )[0][:, 0]
            for c in cameras
        ]
    )


@pytest.fixture
def points() -> np.ndarray:
    return np.random.default_rng(3).uniform(-0.6, 0.6, (40, 3))


def test_exact_views_give_the_points_back(points: np.ndarray) -> None:
    cameras = cameras_around()
    found = triangulate_plain(seen_by(cameras, points), np.ones((4, 40)), cameras)
    np.testing.assert_allclose(found, points, atol=1e-6)


def test_a_world_whose_origin_lies_far_away_is_no_other(points: np.ndarray) -> None:
    """A surveyor's origin is a landmark; people a hundred metres from it are as well placed."""
    away = np.array([100.0, -80.0, 3.0])
    cameras = []
    for camera in cameras_around():
        rotation, translation = camera.cam_from_world[:, :3], camera.cam_from_world[:, 3]
        moved = np.concatenate([rotation, (translation - rotation @ away)[:, None]], axis=1)
        cameras.append(replace(camera, cam_from_world=moved))
    found = triangulate_plain(seen_by(cameras, points + away), np.ones((4, 40)), cameras)
    np.testing.assert_allclose(found, points + away, atol=1e-5)


def test_wide_lenses_give_points_near_the_edge_back() -> None:
    wide = np.array([-0.33, 0.12, 0.0005, -0.0003, -0.018])
    cameras = [replace(camera, distortion=wide) for camera in cameras_around()]
    points = np.random.default_rng(3).uniform(-2.2, 2.2, (300, 3))
    straight = [replace(camera, K=np.eye(3), distortion=np.zeros(4)) for camera in cameras]
    ray = np.linalg.norm(seen_by(straight, points), axis=2).max(axis=0)
    points = points[ray < 1.2]
    assert ray[ray < 1.2].max() > 1.0, "no point lies far out"
    found = triangulate_plain(seen_by(cameras, points), np.ones((4, len(points))), cameras)
    np.testing.assert_allclose(found, points, atol=1e-6)


def test_two_views_equal_opencv_on_undistorted_points(points: np.ndarray) -> None:
    cameras = cameras_around()[:2]
    uv = seen_by(cameras, points)
    normalised = [
        cv2.undistortPoints(view[:, None], c.K, c.distortion)[:, 0].T for view, c in zip(uv, cameras, strict=True)
    ]
    homogeneous = cv2.triangulatePoints(cameras[0].cam_from_world, cameras[1].cam_from_world, *normalised)
    np.testing.assert_allclose(
        triangulate_plain(uv, np.ones((2, 40)), cameras), (homogeneous[:3] / homogeneous[3]).T, atol=1e-5
    )


def test_one_wrong_view_is_outvoted_where_plain_dlt_is_pulled_away(points: np.ndarray) -> None:
    cameras = cameras_around()
    uv = seen_by(cameras, points) + np.random.default_rng(0).normal(0, 1.0, (4, 40, 2))
    wrong = np.arange(40) % 4
    uv[wrong, np.arange(40)] += 80
    robust = triangulate_robust(uv, np.ones((4, 40)), cameras, AGREEMENT)
    assert robust.found.all()
    assert not robust.inlier[wrong, np.arange(40)].any()
    plain = triangulate_plain(uv, np.ones((4, 40)), cameras)
    robust_error = np.linalg.norm(robust.points_m - points, axis=1)
    assert np.median(robust_error) < 0.005
    assert np.median(np.linalg.norm(plain - points, axis=1)) > 5 * np.median(robust_error)


def test_a_joint_without_enough_agreeing_views_is_dropped(points: np.ndarray) -> None:
    cameras = cameras_around()
    uv = seen_by(cameras, points)
    confidence = np.ones((4, 40))
    uv[0, 0] += 90
    uv[1, 0] -= 90
    confidence[:2, 1] = 0.1
    found = triangulate_robust(uv, confidence, cameras, AGREEMENT)
    assert not found.found[:2].any()
    assert found.found[2:].all()
    assert np.isinf(found.error_px[:, :2]).all()


def test_alignment_takes_a_shift_between_calibration_and_video_out(points: np.ndarray) -> None:
    cameras = cameras_around()
    uv = seen_by(cameras, points)
    uv[0] += (6, -4)
    before = triangulate_robust(uv, np.ones((4, 40)), cameras, AGREEMENT)
    aligned = align_principal_points(uv, np.ones((4, 40)), cameras, AGREEMENT, rounds=5)
    after = triangulate_robust(uv, np.ones((4, 40)), aligned, AGREEMENT)
    assert np.median(after.error_px) < 0.3 * np.median(before.error_px[:, before.found])


def test_errors_are_distances_in_pixels(points: np.ndarray) -> None:
    cameras = cameras_around()
    error, depth = reprojection_error_px(points, seen_by(cameras, points) + np.array([3, 4]), cameras)
    np.testing.assert_allclose(error, 5, atol=1e-4)
    assert (depth > 0).all()


CALIBRATION = """<?xml version='1.0'?><calibration><cameras>{cameras}</cameras></calibration>"""
CAMERA = """<camera active="1" serial="{name}"><transform r11="1" r12="0" r13="0" r21="0" r22="0" r23="1" r31="0"
 r32="-1" r33="0" x="1000" y="-2000" z="500"/><intrinsic focalLengthU="64000" focalLengthV="64640" centerPointU="32000"
 centerPointV="64000" radialDistortion1="-0.05" radialDistortion2="0.1" tangentalDistortion1="0.001"
 tangentalDistortion2="0.002"/></camera>"""


def test_qualisys_units_and_frames(tmp_path: Path) -> None:
    path = tmp_path / "Calib.qca.txt"
    path.write_text(CALIBRATION.format(cameras=CAMERA.format(name="a") + CAMERA.format(name="b")))
    camera = read_calibration(path)[0]
    np.testing.assert_allclose(camera.K, [[1000, 0, 500], [0, 1010, 1000], [0, 0, 1]])
    np.testing.assert_allclose(camera.distortion, [-0.05, 0.1, 0.001, 0.002])
    rotation, centre = camera.cam_from_world[:, :3], np.array([1.0, -2.0, 0.5])
    np.testing.assert_allclose(rotation @ centre + camera.cam_from_world[:, 3], 0, atol=1e-12)
    np.testing.assert_allclose(rotation @ rotation.T, np.eye(3), atol=1e-12)
    assert np.linalg.det(rotation) == pytest.approx(1)


@pytest.mark.parametrize("text", ["", "<calibration/>", CALIBRATION.format(cameras='<camera active="1" serial="a"/>')])
def test_a_broken_calibration_is_refused_in_one_line(tmp_path: Path, text: str) -> None:
    path = tmp_path / "Calib.qca.txt"
    path.write_text(text)
    with pytest.raises(InputError, match="Calib") as caught:
        read_calibration(path)
    assert "\n" not in str(caught.value)
