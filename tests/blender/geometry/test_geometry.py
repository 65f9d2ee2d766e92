"""Rotations, cameras and settling on the floor, against scipy, OpenCV and plain geometry."""

import cv2
import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from numpy.typing import NDArray
from scipy.spatial.transform import Rotation

from dataengine.blender.geometry.mesh import all_corners, any_corner, bounds, boxes, vertex_normals
from dataengine.blender.geometry.rotations import about_axis, cross, frame, from_euler, swing
from dataengine.blender.poses.posing import settle_on_contacts
from dataengine.blender.scene.camera import frame_points, look_at
from dataengine.blender.scene.params import CameraRanges
from dataengine.blender.scene.spec import CameraSpec

RNG = np.random.default_rng(0)


def test_rotations_agree_with_scipy() -> None:
    for _ in range(20):
        axis, angle = RNG.normal(size=3), RNG.uniform(-3, 3)
        expected = Rotation.from_rotvec(axis / np.linalg.norm(axis) * angle).as_matrix()
        np.testing.assert_allclose(about_axis(axis, angle), expected, atol=1e-9)
        degrees = RNG.uniform(-180, 180, 3)
        np.testing.assert_allclose(
            from_euler(degrees), Rotation.from_euler("xyz", degrees, degrees=True).as_matrix(), atol=1e-9
        )


def test_swing_takes_one_direction_to_another_even_to_its_opposite() -> None:
    for source, target in [([1, 0, 0], [0, 1, 0]), ([0, 0, 1], [0, 0, -1]), ([1, 2, 3], [1, 2, 3])]:
        turned = swing(source, target) @ np.array(source) / np.linalg.norm(source)
        np.testing.assert_allclose(turned, np.array(target) / np.linalg.norm(target), atol=1e-9)
    np.testing.assert_allclose(frame([1, 1, 0], [0, 1, 0]).T @ frame([1, 1, 0], [0, 1, 0]), np.eye(3), atol=1e-9)


def test_projection_agrees_with_opencv() -> None:
    spec = CameraSpec(35.0, 1.5, 0.8, (0.1, -0.05), 0.05, 0.4)
    points = RNG.uniform([-1, -1, 0], [1, 1, 1.8], (50, 3))
    camera = frame_points(spec, points, 320, 240, clearance_m=0.5)
    rotation, translation = cv2.Rodrigues(camera.cam_from_world[:3, :3])[0], camera.cam_from_world[:3, 3]
    expected = cv2.projectPoints(points, rotation, translation, camera.intrinsics, np.zeros(4))[0].reshape(-1, 2)
    np.testing.assert_allclose(camera.project(points)[0], expected, atol=1e-6)


def test_the_points_fill_the_share_of_the_frame_that_was_asked_for() -> None:
    points = RNG.uniform([-0.4, -0.3, 0], [0.4, 0.3, 1.8], (200, 3))
    for fill in (0.5, 0.9):
        camera = frame_points(CameraSpec(50.0, 1.4, fill, (0.0, 0.0), 0.0, 0.3), points, 256, 256, clearance_m=0.5)
        pixels, depth = camera.project(points)
        spans = np.ptp(pixels, axis=0) / 256
        assert abs(spans.max() - fill) < 0.05
        assert np.abs((pixels.min(0) + pixels.max(0)) / 2 - 128).max() < 12
        assert depth.min() > 0.5


@settings(max_examples=60, deadline=None)
@given(
    height=st.floats(0.3, 30),
    pitch=st.tuples(st.floats(-60, 60), st.floats(1, 25)),
    distance=st.tuples(st.floats(0.5, 20), st.floats(0.1, 20)),
    fill=st.floats(0.4, 1.6),
)
def test_a_camera_keeps_to_its_ranges(
    height: float, pitch: tuple[float, float], distance: tuple[float, float], fill: float
) -> None:
    points = np.random.default_rng(1).uniform([-0.4, -0.3, 0], [0.4, 0.3, 1.8], (60, 3))
    ranges = CameraRanges(
        height_m=(0.3, 30.0),
        pitch_deg=(pitch[0], pitch[0] + pitch[1]),
        distance_m=(distance[0], distance[0] + distance[1]),
    )
    spec = CameraSpec(35.0, height, fill, (0.0, 0.0), 0.0, 0.3, ranges)
    camera = frame_points(spec, points, 128, 128, clearance_m=0.6)
    middle = (points.min(axis=0) + points.max(axis=0)) / 2
    level = np.linalg.norm(camera.position_m[:2] - middle[:2])
    assert ranges.distance_m[0] - 1e-6 <= level <= ranges.distance_m[1] + 1e-6
    assert 0.3 - 1e-6 <= camera.position_m[2] <= 30 + 1e-6
    half_frame_deg = np.rad2deg(np.arctan(18 / 35))
    down = np.rad2deg(np.arcsin(-camera.cam_from_world[2, 2]))
    assert ranges.pitch_deg[0] - half_frame_deg <= down <= ranges.pitch_deg[1] + half_frame_deg


def test_a_camera_looks_at_its_target_with_its_top_up() -> None:
    transform = look_at(np.array([3.0, -4.0, 1.0]), np.array([0.0, 0.0, 1.5]))
    np.testing.assert_allclose(transform @ [0, 0, 1.5, 1], [0, 0, np.sqrt(25.25), 1], atol=1e-9)
    assert (transform @ [0, 0, 2.5, 1])[1] < 0  # up in the world is up in the picture


def test_settling_brings_both_contacts_to_one_height() -> None:
    points = RNG.uniform(-1, 1, (300, 3))
    groups = np.flatnonzero(points[:, 0] > 0.6), np.flatnonzero(points[:, 0] < -0.6)
    turned = points @ settle_on_contacts(points, groups, iterations=30).T
    lowest = [turned[group, 2].min() for group in groups]
    assert abs(lowest[0] - lowest[1]) < 0.02


def test_normals_of_a_box_point_outwards() -> None:
    vertices, quads = boxes([((1.0, 2.0, 3.0), (2.0, 4.0, 6.0))])
    outwards = vertices - [1.0, 2.0, 3.0]
    assert ((vertex_normals(vertices, quads) * outwards).sum(axis=1) > 0).all()
    np.testing.assert_allclose(vertices.max(0) - vertices.min(0), [2.0, 4.0, 6.0])


@given(hnp.arrays(np.int64, (7, 4), elements=st.integers(0, 8)), hnp.arrays(np.bool_, 9))
def test_quads_by_their_corners(quads: NDArray[np.int64], of_vertex: NDArray[np.bool_]) -> None:
    assert np.array_equal(all_corners(of_vertex, quads), of_vertex[quads].all(axis=1))
    assert np.array_equal(any_corner(of_vertex, quads), of_vertex[quads].any(axis=1))


@given(hnp.arrays(np.float64, (5, 3), elements=st.floats(-9, 9)))
def test_bounds_and_cross_products_are_numpys(points: NDArray[np.float64]) -> None:
    assert np.array_equal(bounds(points), [points.min(axis=0), points.max(axis=0)])
    assert np.array_equal(cross(points[0], points[1]), np.cross(points[0], points[1]))
