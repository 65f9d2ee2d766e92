"""Pixels to rays, and rays to what the network sees.

A ray is where a joint lies on the plane at depth 1 before the camera: (x / z, y / z). Cameras of any focal length give
the same rays for the same person, so the network needs no intrinsics. Each frame's joints are moved to their middle
and scaled by their spread; both are inputs of their own, since a person off the axis is seen from the side.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dataengine.errors import InputError
from dataengine.multiview.undistortion import undistorted
from dataengine.people import JOINTS

FEATURES = 3 * JOINTS + 3
USUAL_FOCAL = 1.2  # of the image's longer side, where a camera is not known: 43 mm on a 36 mm wide sensor
LEAST_WEIGHT = 0.1  # of a joint that was answered without confidence, in a frame's middle and spread
FARTHEST = 10.0  # spreads from the middle; a joint further away is taken to be there
UNSEEN_SPREAD = 0.1  # of a frame before the first in which anything is seen


@dataclass(frozen=True, eq=False)
class Normalised:
    """n windows of f frames as the network sees them."""

    inputs: NDArray[np.float32]
    """(n, f, 54): x, y and confidence of each joint, then the middle's x and y and the logarithm of the spread."""
    middle: NDArray[np.float32]
    """(n, f, 2) rays."""
    spread: NDArray[np.float32]
    """(n, f) root mean square distance of the joints from it, in rays."""


def usual_intrinsics(width_px: int, height_px: int) -> NDArray[np.float64]:
    """K (3, 3) of a camera that is not known, looking along the image's middle."""
    focal = USUAL_FOCAL * max(width_px, height_px)
    return np.array([[focal, 0, (width_px - 1) / 2], [0, focal, (height_px - 1) / 2], [0, 0, 1.0]])


def rays_of(
    points_px: NDArray[np.floating[Any]],
    K: NDArray[np.floating[Any]],
    distortion: NDArray[np.floating[Any]] | None = None,
) -> NDArray[np.float64]:
    """Rays (..., 2) of pixels (..., 2); what is not finite stays so. InputError where K is not a camera's."""
    if np.shape(K) != (3, 3) or not np.isfinite(K).all() or K[0, 0] <= 0 or K[1, 1] <= 0:
        raise InputError("a camera is malformed", expected="3 x 3 intrinsics with focal lengths above 0", got=str(K))
    points = np.asarray(points_px, dtype=np.float64)
    if distortion is not None and np.any(distortion):
        return undistorted(points, K, distortion)
    x = (points[..., 0] - K[0, 2] - K[0, 1] * (points[..., 1] - K[1, 2]) / K[1, 1]) / K[0, 0]
    return np.stack([x, (points[..., 1] - K[1, 2]) / K[1, 1]], axis=-1)


def normalised(rays: NDArray[np.floating[Any]], confidence: NDArray[np.floating[Any]]) -> Normalised:
    """What the network sees of rays (n, f, 17, 2) with confidence (n, f, 17) in 0..1.

    A joint without a finite place or with confidence 0 is not there. A frame without joints has the middle and the
    spread of the one before it: nothing is taken from later frames.
    """
    zero = np.zeros((), dtype=rays.dtype)
    there = np.isfinite(rays[..., 0]) & np.isfinite(rays[..., 1]) & (np.nan_to_num(confidence) > 0)
    points = np.where(there[..., None], rays, zero)
    sure = np.where(there, np.clip(np.nan_to_num(confidence), 0, 1), zero)
    weight = np.where(there, LEAST_WEIGHT + (1 - LEAST_WEIGHT) * sure, zero)
    total = weight.sum(axis=-1)
    safe = np.where(total > 0, total, zero + 1)
    middle = (weight[..., None, :] @ points)[..., 0, :] / safe[..., None]
    local = points - middle[..., None, :]
    spread = np.sqrt((weight * (local[..., 0] ** 2 + local[..., 1] ** 2)).sum(axis=-1) / safe)
    seen = (there.sum(axis=-1) >= 2) & (spread > 1e-9)
    middles, spreads = _carried_on(middle, seen, 0.0), _carried_on(spread, seen, UNSEEN_SPREAD)
    local = np.where(there[..., None], (points - middles[..., None, :]) / spreads[..., None, None], zero)
    local = np.clip(local, -FARTHEST, FARTHEST)
    per_joint = np.concatenate([local, sure[..., None]], axis=-1).reshape(*local.shape[:-2], -1)
    inputs = np.concatenate([per_joint, middles, np.log(spreads)[..., None]], axis=-1)
    return Normalised(inputs.astype(np.float32), middles.astype(np.float32), spreads.astype(np.float32))


def _carried_on(values: NDArray[np.floating[Any]], seen: NDArray[np.bool_], first: float) -> NDArray[np.floating[Any]]:
    """`values` (n, f, ...) with those of frames that are not `seen` (n, f) taken from the last one that is."""
    frames = np.where(seen, np.arange(seen.shape[1]), -1)
    last = np.maximum.accumulate(frames, axis=1)
    rows = np.arange(len(seen))[:, None]
    kept = values[rows, np.maximum(last, 0)]
    before = last < 0
    return np.where(before.reshape(before.shape + (1,) * (values.ndim - 2)), values.dtype.type(first), kept)
