"""Pinhole cameras. Frames: world in metres, camera with x right, y down, z forward (OpenCV).

Pixels count as the principal point in K does: in OpenCV's calibrations, and everywhere here, from the first pixel's
centre (`dataengine.geometry.pixel_grid`).
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.floating[Any]]


def project(
    points_m: Array, K: Array, cam_from_world: Array, distortion: Array | None = None
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Project world points to pixels.

    Args:
        points_m: (..., 3) world points, metres.
        K: (3, 3) intrinsics, pixels.
        cam_from_world: (3, 4) or (4, 4) rigid transform to the camera frame.
        distortion: OpenCV's k1, k2, p1, p2[, k3], or None for none.

    Returns:
        uv (..., 2) in pixels and depth (...,) along the optical axis, metres. Points behind the camera have negative
        depth and a meaningless uv.
    """
    transform = np.asarray(cam_from_world, dtype=np.float64)
    points = np.asarray(points_m, dtype=np.float64) @ transform[:3, :3].T + transform[:3, 3]
    depth = points[..., 2]
    safe = np.where(np.abs(depth) < 1e-9, 1e-9, depth)
    xy = points[..., :2] / safe[..., None]
    if distortion is not None:
        xy = distort(xy, np.asarray(distortion, dtype=np.float64))
    matrix = np.asarray(K, dtype=np.float64)
    return xy @ matrix[:2, :2].T + matrix[:2, 2], depth


def distort(xy: NDArray[np.float64], coefficients: NDArray[np.float64]) -> NDArray[np.float64]:
    """Brown-Conrady distortion of normalised image points (..., 2), as in OpenCV's camera model."""
    k1, k2, p1, p2, k3 = np.pad(coefficients.ravel()[:5], (0, max(0, 5 - coefficients.size)))
    x, y = xy[..., 0], xy[..., 1]
    r2 = x * x + y * y
    radial = 1 + r2 * (k1 + r2 * (k2 + r2 * k3))
    return np.stack(
        [
            x * radial + 2 * p1 * x * y + p2 * (r2 + 2 * x * x),
            y * radial + p1 * (r2 + 2 * y * y) + 2 * p2 * x * y,
        ],
        axis=-1,
    )
