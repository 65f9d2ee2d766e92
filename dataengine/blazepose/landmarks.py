"""BlazePose's landmark model: 33 body landmarks in a region, read as COCO-17.

Constants are those of MediaPipe's `pose_landmark_by_roi_cpu.pbtxt` and
`tensors_to_pose_landmarks_and_segmentation.pbtxt`.
"""

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray
from scipy.special import expit

from dataengine.crops.spec import apply_affine

from .interpreter import TfliteModel
from .roi import Roi, roi_from_alignment

INPUT_PX = 256
N_LANDMARKS = 39  # 33 of the body, hip centre and body scale for the next region, 4 unused
HEATMAP_CELLS = 64
REFINE_KERNEL = 7
REFINE_MIN_CONFIDENCE = 0.5
HIP_CENTER, BODY_SCALE = 33, 34
# nose, eyes, ears, shoulders, elbows, wrists, hips, knees, ankles (left before right, as in COCO)
COCO_FROM_BLAZEPOSE = np.array([0, 2, 5, 7, 8, 11, 12, 13, 14, 15, 16, 23, 24, 25, 26, 27, 28])


@dataclass(frozen=True, eq=False)
class Landmarks:
    """One person's pose."""

    keypoints_px: NDArray[np.float32]
    """(17, 2) COCO-17 in image pixels."""
    confidence: NDArray[np.float32]
    """(17,) 0..1: sigmoid(visibility) * sigmoid(presence)."""
    presence: float
    """0..1: how sure the model is that the region holds a person."""
    next_roi: Roi
    """Where to look in the next frame."""


class LandmarkModel:
    """Reads a pose out of a region; see `read`."""

    def __init__(self, model: TfliteModel) -> None:
        self._model = model

    def read(self, image_bgr: NDArray[np.uint8], roi: Roi) -> Landmarks:
        """Pose of the person in the region."""
        crop = roi.crop(image_bgr, INPUT_PX, cv2.BORDER_REPLICATE)
        sizes = (N_LANDMARKS * 5, 1, HEATMAP_CELLS**2 * N_LANDMARKS)
        raw, presence, heatmap = self._model(crop[None, :, :, ::-1].astype(np.float32) / 255.0, sizes)
        rows = raw.reshape(N_LANDMARKS, 5).astype(np.float64)
        refined = refine(rows[:, :2] / INPUT_PX, heatmap.reshape(HEATMAP_CELLS, HEATMAP_CELLS, N_LANDMARKS))
        points = apply_affine(roi.image_from_unit(), refined)
        confidence = expit(rows[:, 3]) * expit(rows[:, 4])
        return Landmarks(
            keypoints_px=points[COCO_FROM_BLAZEPOSE].astype(np.float32),
            confidence=confidence[COCO_FROM_BLAZEPOSE].astype(np.float32),
            presence=float(presence.reshape(())),
            next_roi=roi_from_alignment(points[HIP_CENTER], points[BODY_SCALE]),
        )


def refine(points: NDArray[np.float64], heatmap_logits: NDArray[np.float32]) -> NDArray[np.float64]:
    """Move each point (n, 2) in 0..1 to the centre of mass of its heatmap (h, w, n) in a 7x7 window about it.

    MediaPipe's RefineLandmarksFromHeatmapCalculator; a point whose window nowhere reaches 0.5 stays. Cell i stands for
    i / 64 of the region, not for (i + 0.5) / 64: on 1,187 people of LSPET the answers to picture and mirror image lie
    -0.05 cells apart along x in the median, and 0.08 without this step; half a cell too little would make that one.
    """
    refined = points.copy()
    reach = REFINE_KERNEL // 2
    for i, (x, y) in enumerate((points * HEATMAP_CELLS).astype(int)):
        if not (0 <= x < HEATMAP_CELLS and 0 <= y < HEATMAP_CELLS):
            continue
        left, top = max(0, x - reach), max(0, y - reach)
        window = expit(heatmap_logits[top : y + reach + 1, left : x + reach + 1, i].astype(np.float64))
        if window.max() < REFINE_MIN_CONFIDENCE:
            continue
        rows, columns = np.indices(window.shape)
        total = window.sum() * HEATMAP_CELLS
        refined[i] = (window * (columns + left)).sum() / total, (window * (rows + top)).sum() / total
    return refined
