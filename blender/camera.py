"""Cameras: a pinhole whose distance is found so that given points fill a given share of the frame.

Camera frame as in OpenCV: x right, y down, z forward. Pixels count from the top left corner of the image.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from dataengine.geometry import project

from .rotations import about_axis, unit
from .scene import CameraSpec

SENSOR_MM = 36.0  # along the longer side of the image, Blender's default and full-frame film's width
_NEAREST_M, _FARTHEST_M = 0.8, 60.0


@dataclass(frozen=True, eq=False)
class Camera:
    """A pinhole camera."""

    width_px: int
    height_px: int
    focal_mm: float
    cam_from_world: NDArray[np.float64]  # (4, 4)

    @property
    def intrinsics(self) -> NDArray[np.float64]:
        """K (3, 3), pixels."""
        focal_px = self.focal_mm / SENSOR_MM * max(self.width_px, self.height_px)
        return np.array([[focal_px, 0, self.width_px / 2], [0, focal_px, self.height_px / 2], [0, 0, 1.0]])

    @property
    def position_m(self) -> NDArray[np.float64]:
        """Where the camera stands in the world (3,)."""
        rotation, translation = self.cam_from_world[:3, :3], self.cam_from_world[:3, 3]
        return np.asarray(-rotation.T @ translation, dtype=np.float64)

    def project(self, points_m: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Pixels (..., 2) and depth (...,) of world points."""
        return project(points_m, self.intrinsics, self.cam_from_world)


def look_at(eye_m: NDArray[np.float64], target_m: NDArray[np.float64], roll_rad: float = 0.0) -> NDArray[np.float64]:
    """cam_from_world (4, 4) of a camera at `eye_m` that looks at `target_m` with its top towards z, then rolled."""
    forward = unit(target_m - eye_m)
    right = unit(np.cross(forward, [0.0, 0.0, 1.0]))
    rotation = about_axis([0, 0, 1], roll_rad) @ np.stack([right, np.cross(forward, right), forward])
    transform = np.eye(4)
    transform[:3, :3] = rotation
    transform[:3, 3] = -rotation @ eye_m
    return transform


def frame_points(
    spec: CameraSpec, points_m: NDArray[np.float64], width_px: int, height_px: int, *, clearance_m: float
) -> Camera:
    """The camera of `spec` at the distance where the points span `spec.fill` of the frame.

    It looks at the middle of the points' bounding box, shifted by `spec.shift` frames. It never comes closer than
    `clearance_m` to a point.
    """
    middle = (points_m.min(axis=0) + points_m.max(axis=0)) / 2
    direction = np.array([np.sin(spec.azimuth_rad), -np.cos(spec.azimuth_rad)])

    def at(distance_m: float, shift: tuple[float, float] = (0.0, 0.0)) -> Camera:
        eye = np.array([*(middle[:2] + direction * distance_m), spec.height_m])
        view_m = float(np.linalg.norm(middle - eye)) * SENSOR_MM / spec.focal_mm  # width of the frame at the people
        right = unit(np.cross(middle - eye, [0.0, 0.0, 1.0]))
        target = middle - right * shift[0] * view_m + np.array([0.0, 0.0, shift[1] * view_m])
        return Camera(width_px, height_px, spec.focal_mm, look_at(eye, target, spec.roll_rad))

    near, far = _NEAREST_M, _FARTHEST_M
    for _ in range(40):
        distance = (near + far) / 2
        fits = _span(at(distance), points_m, clearance_m) <= spec.fill
        near, far = (near, distance) if fits else (distance, far)
    return at(far, spec.shift)


def _span(camera: Camera, points_m: NDArray[np.float64], clearance_m: float) -> float:
    """Largest share of the frame that the points reach from its centre; infinite where one is too close."""
    pixels, depth = camera.project(points_m)
    if depth.min() < clearance_m:
        return float("inf")
    size = np.array([camera.width_px, camera.height_px])
    return float(np.abs(pixels / size * 2 - 1).max())
