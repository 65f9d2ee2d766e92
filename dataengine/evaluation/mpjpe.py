"""MPJPE: the mean distance of joints in space, as they are or with the whole pose aligned first.

As results on Human3.6M are given (Ionescu et al., PAMI 2014): "protocol 1" aligns the root alone, and takes poses whose
root is the origin (`compare-lifters`: the middle of the hips); "protocol 2", also called PA-MPJPE, the rotation, size
and place of each pose (Procrustes).
"""

import numpy as np
from numpy.typing import NDArray

Points = NDArray[np.floating]  # (n, j, 3), any unit of length


def mpjpe(truth: Points, found: Points, labelled: NDArray[np.bool_] | None = None) -> float:
    """Mean distance of labelled joints (n, j) of row-aligned poses, in the unit of the points; NaN where none is.

    >>> truth = np.array([[[0.0, 0.0, 2.0], [0.0, 0.5, 2.0], [0.3, 0.5, 2.0]]])  # metres
    >>> found = truth + (0.0, 0.0, 0.1)  # the whole pose 10 cm too far away
    >>> round(mpjpe(truth, found), 3)
    0.1
    """
    known = np.ones(truth.shape[:2], dtype=bool) if labelled is None else labelled
    return _mean_distance(truth.astype(np.float64), found.astype(np.float64), known)


def pa_mpjpe(truth: Points, found: Points, labelled: NDArray[np.bool_] | None = None) -> float:
    """Like `mpjpe`, after the similarity transform that brings each found pose closest to the true one.

    Poses with fewer than three labelled joints have no such transform and are left out.

    >>> truth = np.array([[[0.0, 0.0, 2.0], [0.0, 0.5, 2.0], [0.3, 0.5, 2.0]]])
    >>> round(pa_mpjpe(truth, 1.2 * truth), 3)  # the right pose in another size
    0.0
    """
    known = np.ones(truth.shape[:2], dtype=bool) if labelled is None else labelled
    known = known & (known.sum(axis=1) >= 3)[:, None]
    true, ours = truth.astype(np.float64), found.astype(np.float64)
    return _mean_distance(true, procrustes_aligned(true, ours, known), known)


def procrustes_aligned(
    truth: NDArray[np.float64], found: NDArray[np.float64], known: NDArray[np.bool_]
) -> NDArray[np.float64]:
    """`found` (n, j, 3) turned, scaled and moved onto `truth` by the `known` joints (n, j); no mirroring.

    The least-squares solution of Umeyama, PAMI 1991.
    """
    weight = known[:, :, None] / np.maximum(known.sum(axis=1), 1)[:, None, None]
    centres = [(points * weight).sum(axis=1, keepdims=True) for points in (truth, found)]
    a, b = truth - centres[0], found - centres[1]
    left, singular, right = np.linalg.svd(np.swapaxes(a * weight, 1, 2) @ b)
    sign = np.ones_like(singular)
    sign[:, -1] = np.sign(np.linalg.det(left) * np.linalg.det(right))
    turn = (left * sign[:, None]) @ right
    spread = (b**2 * weight).sum(axis=(1, 2))
    scale = np.divide((singular * sign).sum(axis=1), spread, out=np.ones(len(truth)), where=spread > 0)
    return scale[:, None, None] * (b @ np.swapaxes(turn, 1, 2)) + centres[0]


def _mean_distance(truth: NDArray[np.float64], found: NDArray[np.float64], known: NDArray[np.bool_]) -> float:
    distance = np.linalg.norm(truth - found, axis=2)[known]
    return float(distance.mean()) if distance.size else float("nan")
