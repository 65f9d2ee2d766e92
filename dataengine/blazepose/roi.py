"""The rotated square that BlazePose looks at.

MediaPipe counts from the corner: of the image in its landmarks, of the region in its models' answers, whose unit is the
region's side. Here that ends at `image_from_unit`; what leaves it counts from pixel centres.
"""

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from dataengine.crops.spec import compose_affine

ROI_MARGIN = 1.25  # MediaPipe's RectTransformationCalculator: scale_x = scale_y = 1.25


@dataclass(frozen=True)
class Roi:
    """A square in image pixels, turned about its centre, a point as joints are (`dataengine.geometry.pixel_grid`)."""

    center_x_px: float
    center_y_px: float
    side_px: float
    angle_rad: float
    """Clockwise as seen on the image; 0 is a person upright."""

    def image_from_unit(self) -> NDArray[np.float64]:
        """(2, 3) affine from the region, (0, 0) its first corner and (1, 1) the opposite one, to image pixels."""
        cos, sin = self.side_px * np.cos(self.angle_rad), self.side_px * np.sin(self.angle_rad)
        shift_x = self.center_x_px - cos / 2 + sin / 2
        shift_y = self.center_y_px - sin / 2 - cos / 2
        return np.array([[cos, -sin, shift_x], [sin, cos, shift_y]])

    def crop(self, image_bgr: NDArray[np.uint8], crop_size_px: int, border: int) -> NDArray[np.uint8]:
        """(crop_size_px, crop_size_px, 3) pixels; `border` is a cv2.BORDER_ constant for what lies outside."""
        unit_from_crop = np.array([[1.0, 0.0, 0.5], [0.0, 1.0, 0.5]]) / crop_size_px
        matrix = compose_affine(self.image_from_unit(), unit_from_crop)
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
    return Roi((width_px - 1) / 2, (height_px - 1) / 2, float(max(width_px, height_px)), 0.0)
