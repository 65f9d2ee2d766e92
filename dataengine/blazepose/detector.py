"""BlazePose's person detector: SSD anchors, decoding, weighted non-maximum suppression.

Constants are those of MediaPipe's `pose_detection_cpu.pbtxt`.
"""

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray
from scipy.special import expit

from dataengine.boxes import box_iou
from dataengine.crops.spec import apply_affine
from dataengine.geometry.pixel_grid import to_corner

from .interpreter import TfliteModel
from .roi import Roi, roi_from_alignment, whole_image

INPUT_PX = 224
CELLS_AND_ANCHORS = ((28, 2), (14, 2), (7, 6))  # strides 8, 16 and three layers of 32, two anchors per layer
N_ANCHORS = sum(cells * cells * anchors for cells, anchors in CELLS_AND_ANCHORS)  # 2254
SCORE_CLIP = 100.0
SUPPRESSION_IOU = 0.3


@dataclass(frozen=True, eq=False)
class Detection:
    """One person found in an image."""

    bbox_xywh_px: NDArray[np.float32]
    """(4,) upright square about the whole body, of the region's centre and side. The detector's own box has one size
    for everybody and serves only its suppression."""
    roi: Roi
    """Where the landmark model should look: the whole body."""
    score: float
    """0..1."""


class Detector:
    """Finds people; see `detect`."""

    def __init__(self, model: TfliteModel) -> None:
        self._model = model
        self._anchors = anchor_centers()

    def detect(self, image_bgr: NDArray[np.uint8], min_score: float) -> list[Detection]:
        """People with at least min_score, best first."""
        height, width = image_bgr.shape[:2]
        square = whole_image(width, height)
        crop = square.crop(image_bgr, INPUT_PX, cv2.BORDER_CONSTANT)
        raw, logits = self._model(crop[None, :, :, ::-1].astype(np.float32) / 127.5 - 1.0, (N_ANCHORS * 12, N_ANCHORS))
        scores = expit(np.clip(logits.reshape(-1), -SCORE_CLIP, SCORE_CLIP).astype(np.float64))
        is_kept = scores >= min_score
        points = decode_points(raw.reshape(N_ANCHORS, 6, 2)[is_kept], self._anchors[is_kept])
        merged = weighted_suppression(points, scores[is_kept])
        matrix = square.image_from_unit()
        return [_detection(apply_affine(matrix, p), s) for p, s in merged]


def anchor_centers() -> NDArray[np.float64]:
    """(2254, 2) x, y of every anchor's centre in 0..1; all anchors have size 1 (fixed_anchor_size)."""
    layers = []
    for cells, anchors in CELLS_AND_ANCHORS:
        centers = (np.arange(cells) + 0.5) / cells
        y, x = np.meshgrid(centers, centers, indexing="ij")
        layers.append(np.repeat(np.stack([x.ravel(), y.ravel()], axis=1), anchors, axis=0))
    return np.concatenate(layers)


def decode_points(raw: NDArray[np.float32], anchors: NDArray[np.float64]) -> NDArray[np.float64]:
    """(n, 6, 2) raw rows to (n, 6, 2) points in 0..1: box corners (min, max), then four key points.

    A raw row is box centre, box size, then the points; all but the size are relative to the anchor's centre.
    """
    values = raw.astype(np.float64) / INPUT_PX
    center, size = values[:, :1] + anchors[:, None], values[:, 1:2]
    return np.concatenate([center - size / 2, center + size / 2, values[:, 2:] + anchors[:, None]], axis=1)


def weighted_suppression(
    points: NDArray[np.float64], scores: NDArray[np.float64]
) -> list[tuple[NDArray[np.float64], float]]:
    """Groups that overlap the best box are averaged by score (MediaPipe's NonMaxSuppression, WEIGHTED)."""
    boxes, order = _xywh(points[:, :2]), np.argsort(-scores, kind="stable")
    merged = []
    while len(order):
        best = order[0]
        same = box_iou(boxes[best], boxes[order]) > SUPPRESSION_IOU
        same[0] = True
        group = order[same]
        merged.append((np.average(points[group], axis=0, weights=scores[group]), float(scores[best])))
        order = order[~same]
    return merged


def _xywh(corners: NDArray[np.float64]) -> NDArray[np.float64]:
    """Boxes (..., 4) of corners (..., 2, 2: min, max)."""
    return np.concatenate([corners[..., 0, :], corners[..., 1, :] - corners[..., 0, :]], axis=-1)


def _detection(points_px: NDArray[np.float64], score: float) -> Detection:
    roi = roi_from_alignment(points_px[2], points_px[3])
    left, top = to_corner(np.array([roi.center_x_px, roi.center_y_px])) - roi.side_px / 2
    return Detection(np.array([left, top, roi.side_px, roi.side_px], np.float32), roi, score)
