"""Silhouettes by OpenCV: where the projected mesh of a person should be seen, to compare Blender's masks with.

The mesh is drawn in fine pixels, so that its middle is known to a few hundredths of a pixel.
"""

from collections.abc import Sequence

import cv2
import numpy as np
from numpy.typing import NDArray

from dataengine.geometry.pixel_grid import resized, within

from ..geometry.mesh import Mesh
from ..scene.camera import Camera

_FINE = 8  # fine pixels along the side of one of the image's
_SHIFT = 4  # binary digits after the point that OpenCV draws with
_FLOOR_M = 1e-3  # who sits or lies sinks in deeper, and the floor hides some of them
_HALVES = ((0, 1, 2), (0, 2, 3))  # a quad need not be convex in the image, its triangles are


def silhouette_offsets_px(people: Sequence[Mesh], camera: Camera, instance: NDArray[np.int32]) -> NDArray[np.float64]:
    """How far (m, 2) the middle of a person's mask lies from that of the projected mesh, both in pixels of the image.

    For those of `people` who are seen alone and whole: their mesh lies in the frame and above the floor, and its box
    meets nobody else's. Nothing but people may be in front of them. `instance` (h, w) is what `observe` saw.
    """
    corners = [camera.project(mesh.vertices_m)[0][mesh.quads] for mesh in people]
    offsets = [
        _middle(instance == mesh.instance, 1) - _middle(_drawn(own, camera), _FINE)
        for mesh, own in zip(people, corners, strict=True)
        if _is_whole(mesh, own, camera) and not any(_boxes_meet(own, other) for other in corners if other is not own)
    ]
    return np.array(offsets).reshape(-1, 2)


def _is_whole(mesh: Mesh, corners: NDArray[np.float64], camera: Camera) -> bool:
    _, depth = camera.project(mesh.vertices_m)
    is_above = mesh.vertices_m[:, 2].min() > -_FLOOR_M
    return bool(is_above and depth.min() > 0 and within(corners, (camera.width_px, camera.height_px)).all())


def _boxes_meet(a: NDArray[np.float64], b: NDArray[np.float64]) -> bool:
    low, high = np.maximum(a.min(axis=(0, 1)), b.min(axis=(0, 1))), np.minimum(a.max(axis=(0, 1)), b.max(axis=(0, 1)))
    return bool((low <= high).all())


def _drawn(corners: NDArray[np.float64], camera: Camera) -> NDArray[np.uint8]:
    """The projected quads (q, 4, 2), filled, in fine pixels."""
    canvas = np.zeros((_FINE * camera.height_px, _FINE * camera.width_px), dtype=np.uint8)
    fine = np.round(resized(corners, _FINE) * 2**_SHIFT).astype(np.int32)
    for half in _HALVES:
        for triangle in np.ascontiguousarray(fine[:, half]):
            cv2.fillConvexPoly(canvas, triangle, (1,), shift=_SHIFT)
    return canvas


def _middle(mask: NDArray[np.generic], fine: int) -> NDArray[np.float64]:
    """Mean place (2,) of a mask's pixels, in pixels of the image, which are `fine` of the mask's."""
    rows, columns = np.nonzero(mask)
    return resized(np.array([columns.mean(), rows.mean()]), 1 / fine)
