"""Drawings of fits: the labelled skeleton next to the fitted body, as seen by the fit's own camera."""

from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from dataengine.draw import BgrImage, draw_people, part_around
from dataengine.geometry.pixel_grid import resized
from dataengine.people import People

from ..scene.camera import SENSOR_MM

_PAPER, _SKIN = 255, np.array([150.0, 180.0, 215.0])
_MARGIN = 0.25  # around the box, as a share of its longer side
_LONGER_PX = 360  # of a tile, before it is fitted into a sheet


def pair(
    canvas: BgrImage, person: People, entry: dict[str, Any], vertices_m: NDArray[np.float64], quads: NDArray[np.int64]
) -> BgrImage:
    """The skeleton of one labelled person on `canvas`, and next to it the body that was fitted to it, on white.

    `vertices_m` (v, 3) about the root, as `Fitter.vertices_m` gives them; `quads` (q, 4) of the skin.
    """
    box = person.bbox_xywh_px[0]
    scale = _LONGER_PX / max(float(box[2:].max()) * (1 + 2 * _MARGIN), 1.0)
    larger: BgrImage = np.asarray(cv2.resize(canvas, None, fx=scale, fy=scale), dtype=np.uint8)
    points = resized(person.keypoints_px, scale).astype(np.float32)
    scaled = person.replace(bbox_xywh_px=box[None] * np.float32(scale), keypoints_px=points)
    labelled, _ = part_around(draw_people(larger, scaled), scaled.bbox_xywh_px[0], _MARGIN)
    body = draw_body(larger.shape[:2], entry, vertices_m, quads)
    fitted, _ = part_around(body, scaled.bbox_xywh_px[0], _MARGIN)
    return np.concatenate([labelled, fitted], axis=1)


def draw_body(
    size: tuple[int, ...], entry: dict[str, Any], vertices_m: NDArray[np.float64], quads: NDArray[np.int64]
) -> BgrImage:
    """Draw the skin on white, farthest quads first, lit from the camera; `size` is (height, width)."""
    height, width = size
    longer, focal = max(size), entry["focal_mm"] / SENSOR_MM
    at = np.array(entry["root_off_middle"]) / focal * entry["depth_m"]
    away = np.maximum(vertices_m[:, 1] + entry["depth_m"], 0.1)
    across = np.stack([vertices_m[:, 0] + at[0], at[1] - vertices_m[:, 2]], axis=1)
    pixels = across / away[:, None] * focal * longer + np.array([width - 1, height - 1]) / 2
    corners = vertices_m[quads]
    normal = np.cross(corners[:, 2] - corners[:, 0], corners[:, 3] - corners[:, 1])
    facing = np.abs(normal[:, 1]) / (np.linalg.norm(normal, axis=1) + 1e-12)
    canvas: BgrImage = np.full((height, width, 3), _PAPER, dtype=np.uint8)
    for quad in np.argsort(-away[quads].mean(axis=1)):
        colour = (_SKIN * (0.35 + 0.65 * facing[quad])).tolist()
        cv2.fillConvexPoly(canvas, np.round(pixels[quads[quad]]).astype(np.int32), colour)
    return canvas
