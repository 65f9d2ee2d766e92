"""Detector and landmark model together."""

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from .detector import Detection, Detector
from .interpreter import TfliteModel
from .landmarks import LandmarkModel, Landmarks
from .roi import Roi

DETECTOR_FILE = "pose_detection.tflite"
LANDMARK_FILE = "pose_landmark_full.tflite"
MIN_DETECTION_SCORE = 0.5  # MediaPipe's min_score_thresh
MIN_PRESENCE = 0.5  # MediaPipe's pose flag threshold


class BlazePose:
    """Finds people and their COCO-17 keypoints. One object serves one thread."""

    def __init__(self, model_folder: Path, threads: int = 2) -> None:
        """Raises InputError when the folder lacks a model."""
        self._detector = Detector(TfliteModel(Path(model_folder) / DETECTOR_FILE, threads))
        self._landmarks = LandmarkModel(TfliteModel(Path(model_folder) / LANDMARK_FILE, threads))

    def detect(self, image_bgr: NDArray[np.uint8], min_score: float = MIN_DETECTION_SCORE) -> list[Detection]:
        """People in a (h, w, 3) BGR image, best first."""
        return self._detector.detect(image_bgr, min_score)

    def landmarks(self, image_bgr: NDArray[np.uint8], roi: Roi) -> Landmarks:
        """Pose of the person in a region, whatever its presence: the caller judges it."""
        return self._landmarks.read(image_bgr, roi)

    def __call__(self, image_bgr: NDArray[np.uint8], roi: Roi | None = None) -> Landmarks | None:
        """Pose of one person: in `roi` where one still is, else of the best detection; None when nobody is there."""
        if roi is not None:
            tracked = self.landmarks(image_bgr, roi)
            if tracked.presence >= MIN_PRESENCE:
                return tracked
        detections = self.detect(image_bgr)
        if not detections:
            return None
        found = self.landmarks(image_bgr, detections[0].roi)
        return found if found.presence >= MIN_PRESENCE else None
