"""Pixels of a lens that bends straight lines, to rays."""

from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from dataengine.geometry.cameras import distort

# cv2.undistortPoints stops after 5 steps, pixels off at the edge of a wide lens's picture
# (findings/opencv_undistort_five_steps.sh)
STEPS, CLOSE_ENOUGH_PX = 200, 1e-6
FOUND_PX = 0.01


def undistorted(
    points_px: NDArray[np.floating[Any]], K: NDArray[np.floating[Any]], distortion: NDArray[np.floating[Any]]
) -> NDArray[np.float64]:
    """Rays (..., 2), x / z and y / z, that the lens bends to pixels (..., 2).

    K (3, 3) in pixels without skew, distortion as in `geometry.cameras.project`. A pixel so far out that the
    coefficients bend no ray there has no ray; it gets OpenCV's guess, which stays near. What is not finite stays so.
    """
    points = np.asarray(points_px, dtype=np.float64)
    matrix, bent = np.asarray(K, dtype=np.float64), np.asarray(distortion, dtype=np.float64)
    if points.size == 0:
        return points.copy()
    flat = points.reshape(-1, 1, 2)
    enough = (cv2.TERM_CRITERIA_COUNT | cv2.TERM_CRITERIA_EPS, STEPS, CLOSE_ENOUGH_PX)
    straight = np.eye(3)
    found = cv2.undistortPointsIter(flat, matrix, bent, straight, straight, enough)
    rays = np.asarray(found, dtype=np.float64)[:, 0]
    with np.errstate(over="ignore", invalid="ignore"):  # what has run away
        back = distort(rays, bent) * matrix[[0, 1], [0, 1]] + matrix[:2, 2]
        lost = ~(np.linalg.norm(back - flat[:, 0], axis=1) < FOUND_PX)
    if lost.any():
        rays[lost] = np.asarray(cv2.undistortPoints(flat[lost], matrix, bent), dtype=np.float64)[:, 0]
    return rays.reshape(points.shape)
