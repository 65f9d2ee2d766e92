"""Distance of a teacher's joint from where the other calibrated cameras, agreeing, see it."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from dataengine.errors import InputError
from dataengine.geometry.pixel_grid import resized
from dataengine.multiview.qualisys import CalibratedCamera
from dataengine.multiview.triangulation import (
    Agreement,
    align_principal_points,
    reprojection_error_px,
    triangulate_robust,
)

AGREEMENT = Agreement(max_error_px=25.0, min_views=2, min_confidence=0.3)  # as in section `ingest.multiview`
ALIGNMENT_ROUNDS = 3


def other_views_error(
    points_px: NDArray[np.float64],
    confidence: NDArray[np.float64],
    cameras: Sequence[CalibratedCamera],
    sizes_px: Sequence[tuple[int, int]],
) -> NDArray[np.float64]:
    """Distances (v, f, 17) in pixels of the calibrated video; infinite where too few of the other views agree.

    Args:
        points_px: (v, f, 17, 2) one teacher's joints in v views at the same f moments, in pixels of the pictures.
        confidence: (v, f, 17)
        cameras: Those of the views, in their order.
        sizes_px: Width and height of the pictures of each view, which may be smaller than the calibrated video.

    Raises:
        InputError: the calibration does not say how large its video is, or there are fewer than three views.
    """
    if len(cameras) < 3:
        raise InputError("too few views to judge one by the others", expected="3 or more", got=str(len(cameras)))
    unknown = [camera.name for camera in cameras if camera.size_px is None]
    if unknown:
        raise InputError(f"the calibration of {unknown[0]} names no size", expected="fov_video with right and bottom")
    views, frames = confidence.shape[:2]
    scales = [np.array(camera.size_px) / size for camera, size in zip(cameras, sizes_px, strict=True)]
    uv = np.stack([resized(view, scale) for view, scale in zip(points_px, scales, strict=True)])
    uv, sure = uv.reshape(views, -1, 2), confidence.reshape(views, -1)
    aligned = align_principal_points(uv, sure, cameras, replace(AGREEMENT, min_views=3), ALIGNMENT_ROUNDS)
    error = np.full(sure.shape, np.inf)
    for view in range(views):
        others = [other for other in range(views) if other != view]
        placed = triangulate_robust(uv[others], sure[others], [aligned[other] for other in others], AGREEMENT)
        far, _ = reprojection_error_px(placed.points_m[placed.found], uv[[view]][:, placed.found], [aligned[view]])
        error[view, placed.found] = far[0]
    return error.reshape(views, frames, -1)
