"""Cameras: a pinhole, placed at the distance at which given points fill a given share of the frame.

Camera frame as in OpenCV: x right, y down, z forward. Pixels count from the first one's centre
(`dataengine.geometry.pixel_grid`), so the axis meets the image at ((width - 1) / 2, (height - 1) / 2): Blender's
middle, which is width / 2 from the corner.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from dataengine.geometry.cameras import project
from dataengine.geometry.pixel_grid import to_corner, within

from ..geometry.rotations import about_axis, cross, unit
from .spec import CameraSpec

SENSOR_MM = 36.0  # along the longer side of the image, Blender's default and full-frame film's width


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
        middle_x, middle_y = (self.width_px - 1) / 2, (self.height_px - 1) / 2
        return np.array([[focal_px, 0, middle_x], [0, focal_px, middle_y], [0, 0, 1.0]])

    @property
    def position_m(self) -> NDArray[np.float64]:
        """Where the camera stands in the world (3,)."""
        rotation, translation = self.cam_from_world[:3, :3], self.cam_from_world[:3, 3]
        return np.asarray(-rotation.T @ translation, dtype=np.float64)

    def project(self, points_m: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Pixels (..., 2) and depth (...,) of world points."""
        return project(points_m, self.intrinsics, self.cam_from_world)

    def in_frame(self, pixels: NDArray[np.float64], depth: NDArray[np.float64]) -> NDArray[np.bool_]:
        """Whether points that project to `pixels` (..., 2) at `depth` (...) lie before the camera and in its frame."""
        return np.asarray(within(pixels, (self.width_px, self.height_px)) & (depth > 0))


def look_at(eye_m: NDArray[np.float64], target_m: NDArray[np.float64], roll_rad: float = 0.0) -> NDArray[np.float64]:
    """cam_from_world (4, 4) of a camera at `eye_m` that looks at `target_m` with its top towards z, then rolled."""
    forward = unit(target_m - eye_m)
    right = unit(cross(forward, [0.0, 0.0, 1.0]))
    rotation = about_axis([0, 0, 1], roll_rad) @ np.stack([right, cross(forward, right), forward])
    transform = np.eye(4)
    transform[:3, :3] = rotation
    transform[:3, 3] = -rotation @ eye_m
    return transform


def frame_points(
    spec: CameraSpec, points_m: NDArray[np.float64], width_px: int, height_px: int, *, clearance_m: float
) -> Camera:
    """The camera of `spec` at the distance at which the points span `spec.fill` of the frame.

    The middle of the points' bounding box is `spec.shift` frames off the frame's middle. The camera never comes closer
    to a point than `clearance_m`, or half the least distance of its ranges if that is less. The ranges always hold: for
    a pitch out of range the height changes first, within its own range; then the camera looks past the points' middle.
    """
    middle = (points_m.min(axis=0) + points_m.max(axis=0)) / 2
    direction = np.array([np.sin(spec.azimuth_rad), -np.cos(spec.azimuth_rad)])
    ranges = spec.ranges
    slopes = np.tan(np.deg2rad(ranges.pitch_deg))

    def at(distance_m: float, shift: NDArray[np.float64]) -> Camera:
        height = np.clip(np.clip(spec.height_m, *(middle[2] + distance_m * slopes)), *ranges.height_m)
        aim = middle.copy()
        aim[2] = np.clip(middle[2], *(height - distance_m * slopes[::-1]))
        eye = np.array([*(middle[:2] + direction * distance_m), height])
        frame_m = float(np.linalg.norm(aim - eye)) * SENSOR_MM / spec.focal_mm  # width of the frame at the people
        right = unit(cross(aim - eye, [0.0, 0.0, 1.0]))
        target = aim - right * shift[0] * frame_m + np.array([0.0, 0.0, shift[1] * frame_m])
        return Camera(width_px, height_px, spec.focal_mm, look_at(eye, target, spec.roll_rad))

    centred = np.zeros(2)
    near, far = ranges.distance_m
    clearance_m = min(clearance_m, near / 2)
    if _span(at(near, centred), points_m, clearance_m) <= spec.fill:
        far = near
    for _ in range(24):  # to micrometres
        distance = (near + far) / 2
        fits = _span(at(distance, centred), points_m, clearance_m) <= spec.fill
        near, far = (near, distance) if fits else (distance, far)
    framed = at(far, centred)
    is_too_near = _span(framed, points_m, clearance_m) > max(spec.fill, 1.0)
    height = framed.position_m[2]
    looks_past = not height - far * slopes[1] <= middle[2] + 1e-9 <= height - far * slopes[0] + 2e-9
    if is_too_near or looks_past:  # not everything fits, and the pitch decides what is seen
        return at(far, np.array([spec.shift[0], 0.0]))
    return at(far, np.array(spec.shift) - (_middle(framed, points_m) - 0.5))


def _middle(camera: Camera, points_m: NDArray[np.float64]) -> NDArray[np.float64]:
    """Middle of the points' bounding box in the image, as shares of the frame (2,)."""
    pixels, _ = camera.project(points_m)
    return to_corner((pixels.min(axis=0) + pixels.max(axis=0)) / 2) / [camera.width_px, camera.height_px]


def _span(camera: Camera, points_m: NDArray[np.float64], clearance_m: float) -> float:
    """Share of the frame that the points' bounding box takes, the larger of both axes; infinite where one is close."""
    pixels, depth = camera.project(points_m)
    if depth.min() < clearance_m:
        return float("inf")
    return float((np.ptp(pixels, axis=0) / [camera.width_px, camera.height_px]).max())
