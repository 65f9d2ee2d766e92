"""Rotation matrices (3, 3) for posing: about an axis, from Euler angles, from one direction to another."""

import math

import numpy as np
from numpy.typing import ArrayLike, NDArray

Matrix = NDArray[np.float64]


def unit(vector: ArrayLike) -> NDArray[np.float64]:
    """The vector at length 1."""
    array = np.asarray(vector, dtype=np.float64)
    return np.asarray(array / (math.sqrt(array @ array) + 1e-12), dtype=np.float64)


def cross(first: ArrayLike, second: ArrayLike) -> NDArray[np.float64]:
    """Cross product of two vectors (3,); `np.cross` takes ten times as long for a single pair."""
    (a, b, c), (x, y, z) = np.asarray(first).tolist(), np.asarray(second).tolist()
    return np.array([b * z - c * y, c * x - a * z, a * y - b * x])


def about_axis(axis: ArrayLike, radians: float) -> Matrix:
    """Rotation about `axis` by Rodrigues' formula."""
    x, y, z = unit(axis)
    skew = np.array([[0, -z, y], [z, 0, -x], [-y, x, 0]])
    return np.asarray(np.eye(3) + np.sin(radians) * skew + (1 - np.cos(radians)) * skew @ skew, dtype=np.float64)


def from_euler(degrees: ArrayLike) -> Matrix:
    """Rotation about x, then about y, then about z, all of them fixed axes."""
    x, y, z = np.deg2rad(np.asarray(degrees, dtype=np.float64))
    return about_axis([0, 0, 1], z) @ about_axis([0, 1, 0], y) @ about_axis([1, 0, 0], x)


def swing(source: ArrayLike, target: ArrayLike, share: float = 1.0) -> Matrix:
    """The shortest rotation that takes direction `source` to `target`, or the given share of its angle."""
    a, b = unit(source), unit(target)
    axis = cross(a, b)
    sine, cosine = float(np.linalg.norm(axis)), float(a @ b)
    if sine < 1e-6:
        if cosine > 0:
            return np.eye(3)
        axis = cross(a, [1.0, 0, 0] if abs(a[0]) < 0.9 else [0, 1.0, 0])  # opposite directions: any perpendicular axis
    return about_axis(axis, share * float(np.arctan2(sine, cosine)))


def frame(along: ArrayLike, normal: ArrayLike) -> Matrix:
    """Right-handed axes as columns: `along`, then `normal` made perpendicular to it, then their cross product."""
    first = unit(along)
    second = unit(np.asarray(normal) - first * (first @ np.asarray(normal)))
    return np.stack([first, second, cross(first, second)], axis=1)
