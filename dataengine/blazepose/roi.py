"""The rotated square that BlazePose looks at."""

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

ROI_MARGIN = 1.25  # MediaPipe's RectTransformationCalculator: scale_x = scale_y = 1.25


@dataclass(frozen=True)
class Roi:
    """A square in image pixels, turned about its centre."""

    center_x_px: float
    center_y_px: float
    side_px: float
    angle_rad: float
    """Clockwise as seen on the image; 0 is a person upright."""

    def image_from_crop(self, crop_size_px: int) -> NDArray[np.float64]:
        """(2, 3) affine from crop pixels (0..crop_size_px) to image pixels."""
        scale = self.side_px / crop_size_px
        cos, sin = scale * np.cos(self.angle_rad), scale * np.sin(self.angle_rad)
        half = crop_size_px / 2
        shift_x = self.center_x_px - cos * half + sin * half
        shift_y = self.center_y_px - sin * half - cos * half
        return np.array([[cos, -sin, shift_x], [sin, cos, shift_y]])

    def crop(self, image_bgr: NDArray[np.uint8], crop_size_px: int, border: int) -> NDArray[np.uint8]:
        """(crop_size_px, crop_size_px, 3) pixels; `border` is a cv2.BORDER_ constant for what lies outside."""
        matrix = self.image_from_crop(crop_size_px)
        # Pixel centres lie at +0.5 in the continuous frame of the affine; warpAffine counts from the centres.
        matrix[:, 2] += matrix[:, :2] @ (0.5, 0.5) - 0.5
        size = (crop_size_px, crop_size_px)
        flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
        return cv2.warpAffine(image_bgr, matrix, size, flags=flags, borderMode=border).astype(np.uint8, copy=False)


def roi_from_alignment(hip_px: NDArray[np.float64], scale_px: NDArray[np.float64]) -> Roi:
    """Square about the hip centre (2,) reaching to the body-scale point (2,), which lies above an upright person.

    MediaPipe's AlignmentPointsRectsCalculator with a target angle of 90 degrees, and its margin.
    """
    dx, dy = scale_px - hip_px
    angle = np.pi / 2 - np.arctan2(-dy, dx)
    angle = (angle + np.pi) % (2 * np.pi) - np.pi
    side = 2 * np.hypot(dx, dy) * ROI_MARGIN
    return Roi(float(hip_px[0]), float(hip_px[1]), float(side), float(angle))


def whole_image(width_px: int, height_px: int) -> Roi:
    """The smallest upright square that holds the whole image, centred: MediaPipe's letterbox."""
    return Roi(width_px / 2, height_px / 2, float(max(width_px, height_px)), 0.0)
