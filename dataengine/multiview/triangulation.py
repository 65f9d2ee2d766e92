"""3D joints from several calibrated views, robust to views that are wrong.

A view's detector may swap left and right or guess a hidden joint, and one such view pulls a plain least-squares
solution many pixels away from all others. With few cameras every subset of views can be tried: the largest one whose
members all agree wins, and a joint on which too few views agree is dropped.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import combinations

import numpy as np
from numpy.typing import NDArray

from dataengine.geometry.cameras import project

from .qualisys import CalibratedCamera
from .undistortion import undistorted

REWEIGHTINGS = 2  # after these the linear solution minimises pixel error; further ones change less than 0.01 px


@dataclass(frozen=True)
class Agreement:
    """When views agree on where a joint is."""

    max_error_px: float
    """A view agrees with a joint's 3D position when it lies this near, in pixels of the original video."""
    min_views: int
    """Number of views that must agree; with fewer the joint is dropped."""
    min_confidence: float
    """A view less confident than this takes no part, 0..1."""


@dataclass(frozen=True, eq=False)
class Triangulation:
    """Points seen by several cameras. n points, v views."""

    points_m: NDArray[np.float64]
    """(n, 3) world frame; zeros where not `found`."""
    found: NDArray[np.bool_]
    """(n,) enough views agree."""
    inlier: NDArray[np.bool_]
    """(v, n) the views that agree."""
    error_px: NDArray[np.float64]
    """(v, n) distance from the reprojected point to each view's own detection; infinite where not found."""


def triangulate_plain(
    uv_px: NDArray[np.floating], weight: NDArray[np.floating], cameras: Sequence[CalibratedCamera]
) -> NDArray[np.float64]:
    """Weighted linear triangulation (DLT; Hartley & Zisserman, "Multiple View Geometry", 12.2) from all views.

    uv_px (v, n, 2) distorted pixels, weight (v, n). Returns (n, 3) world points in metres. The rows are divided by the
    depth of the last solution, which turns the algebraic error into pixels.
    """
    xy = np.stack([undistorted(view, camera.K, camera.distortion) for view, camera in zip(uv_px, cameras, strict=True)])
    scale = np.array([camera.K[0, 0] for camera in cameras])[:, None] * np.asarray(weight, dtype=np.float64)
    depth = np.ones(xy.shape[:2])
    for _ in range(REWEIGHTINGS + 1):
        rows = []
        for view, camera in enumerate(cameras):
            P = camera.cam_from_world
            equation = xy[view][:, :, None] * P[2] - P[:2]  # (n, 2, 4)
            rows.append(equation * (scale[view] / depth[view])[:, None, None])
        solution = np.linalg.svd(np.concatenate(rows, axis=1))[2][:, -1]
        points = solution[:, :3] / _away_from_zero(solution[:, 3:])
        homogeneous = np.concatenate([points, np.ones((len(points), 1))], axis=1)
        depth = np.stack([_away_from_zero(homogeneous @ camera.cam_from_world[2]) for camera in cameras])
    return points


def triangulate_robust(
    uv_px: NDArray[np.floating],
    confidence: NDArray[np.floating],
    cameras: Sequence[CalibratedCamera],
    agreement: Agreement,
) -> Triangulation:
    """The solution of the largest subset of views that agree with it, see `Agreement`.

    uv_px (v, n, 2), confidence (v, n) in 0..1. Of subsets equally large, the one with the smaller mean error wins.
    """
    views, n = confidence.shape
    best = Triangulation(
        np.zeros((n, 3)), np.zeros(n, dtype=bool), np.zeros((views, n), dtype=bool), np.full((views, n), np.inf)
    )
    best_mean = np.full(n, np.inf)
    for size in range(views, agreement.min_views - 1, -1):
        for subset in combinations(range(views), size):
            view_rows = list(subset)
            points = triangulate_plain(uv_px[view_rows], confidence[view_rows], [cameras[view] for view in view_rows])
            error, depth = reprojection_error_px(points, uv_px, cameras)
            sure = (confidence[view_rows] >= agreement.min_confidence).all(axis=0)
            near = (error[view_rows] <= agreement.max_error_px).all(axis=0)
            agree = near & (depth[view_rows] > 0).all(axis=0) & sure
            mean = error[view_rows].mean(axis=0)
            larger = best.inlier.sum(axis=0) > size
            better = agree & ~larger & (mean < best_mean)
            best.points_m[better], best.found[better] = points[better], True
            best.error_px[:, better], best_mean[better] = error[:, better], mean[better]
            best.inlier[:, better] = np.isin(np.arange(views), view_rows)[:, None]
        # a smaller subset always fits better, so it must not compete with a larger one that agrees
        best_mean[best.found] = -np.inf
    return best


def reprojection_error_px(
    points_m: NDArray[np.float64], uv_px: NDArray[np.floating], cameras: Sequence[CalibratedCamera]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Distance (v, n) in pixels between reprojected points (n, 3) and detections (v, n, 2), and depths (v, n)."""
    error, depth = [], []
    for view, camera in zip(uv_px, cameras, strict=True):
        uv, z = project(points_m, camera.K, camera.cam_from_world, camera.distortion)
        error.append(np.linalg.norm(uv - view, axis=1))
        depth.append(z)
    return np.stack(error), np.stack(depth)


def _away_from_zero(values: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.where(np.abs(values) < 1e-9, 1e-9, values)


def align_principal_points(
    uv_px: NDArray[np.floating],
    confidence: NDArray[np.floating],
    cameras: Sequence[CalibratedCamera],
    agreement: Agreement,
    rounds: int,
) -> list[CalibratedCamera]:
    """Cameras whose principal points are moved to where the detections lie on average.

    A video cropped or re-encoded after calibration is shifted by a few pixels against it. The shift shows as the median
    residual of each view over joints that the views agree on, and is taken out `rounds` times.
    """
    aligned = list(cameras)
    for _ in range(rounds):
        triangulation = triangulate_robust(uv_px, confidence, aligned, agreement)
        for view, camera in enumerate(aligned):
            agreed = triangulation.inlier[view]
            if agreed.any():
                uv, _ = project(triangulation.points_m[agreed], camera.K, camera.cam_from_world, camera.distortion)
                K = camera.K.copy()
                K[:2, 2] += np.median(uv_px[view, agreed] - uv, axis=0)
                aligned[view] = replace(camera, K=K)
    return aligned
