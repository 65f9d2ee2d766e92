"""BlazePose's joints on real frames lie where pixels do: in the mirror image and in an enlarged one at the same place.

An answer that counts from the image's corner is one pixel off in the mirror, and a third of a pixel in the image made
three times as large. What is left is the model's own.
"""

from pathlib import Path

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from dataengine.blazepose import BlazePose, Landmarks, Roi
from dataengine.geometry.pixel_grid import mirrored, resized
from dataengine.keypoints import FLIP_INDEX
from dataengine.video import iter_frames

LONGEST_SIDE_PX = 320
CONFIDENT = 0.7
Seen = tuple[NDArray[np.uint8], Roi, Landmarks]


@pytest.fixture(scope="module")
def blazepose(fetched: Path) -> BlazePose:
    return BlazePose(fetched / "mediapipe", threads=1)


@pytest.fixture(scope="module")
def people(fetched: Path, blazepose: BlazePose) -> list[Seen]:
    """Small frames of two of the default cameras, with the region of the person and the answer to it."""
    seen = []
    for video in sorted((fetched / "pose2sim").glob("*.mp4"))[::3]:
        for frame in iter_frames(video, every=12, stop=73):
            scale = LONGEST_SIDE_PX / max(frame.image_bgr.shape[:2])
            small = cv2.resize(frame.image_bgr, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
            image = np.asarray(small, dtype=np.uint8)
            roi = blazepose.detect(image)[0].roi
            seen.append((image, roi, blazepose.landmarks(image, roi)))
    assert len(seen) > 10
    return seen


def moved(roi: Roi, center_px: NDArray[np.float64], scale: float, angle_rad: float) -> Roi:
    x, y = center_px.tolist()
    return Roi(x, y, roi.side_px * scale, angle_rad)


def center(roi: Roi) -> NDArray[np.float64]:
    return np.array([roi.center_x_px, roi.center_y_px])


def test_joints_lie_at_the_same_place_in_the_mirror(blazepose: BlazePose, people: list[Seen]) -> None:
    apart = []
    for image, roi, found in people:
        width = image.shape[1]
        region = moved(roi, mirrored(center(roi), width), 1, -roi.angle_rad)
        turned = blazepose.landmarks(np.ascontiguousarray(image[:, ::-1]), region)
        back = mirrored(turned.keypoints_px[FLIP_INDEX], width)
        apart.append((back - found.keypoints_px)[found.confidence > CONFIDENT])
    assert np.abs(np.median(np.concatenate(apart), axis=0)).max() < 0.35


def test_joints_lie_at_the_same_place_in_an_enlarged_image(blazepose: BlazePose, people: list[Seen]) -> None:
    """Every pixel becomes three by three."""
    apart = []
    for image, roi, found in people:
        large = np.ascontiguousarray(image.repeat(3, axis=0).repeat(3, axis=1))
        answer = blazepose.landmarks(large, moved(roi, resized(center(roi), 3), 3, roi.angle_rad))
        back = resized(answer.keypoints_px, 1 / 3)
        apart.append((back - found.keypoints_px)[found.confidence > CONFIDENT])
    assert np.abs(np.median(np.concatenate(apart), axis=0)).max() < 0.12


def test_joints_move_with_the_image(blazepose: BlazePose, people: list[Seen]) -> None:
    """A border of 7 and 4 pixels above and to the left."""
    for image, roi, found in people[:3]:
        bordered = np.asarray(cv2.copyMakeBorder(image, 7, 0, 4, 0, cv2.BORDER_REPLICATE), dtype=np.uint8)
        by_px = np.array([4.0, 7.0])
        answer = blazepose.landmarks(bordered, moved(roi, center(roi) + by_px, 1, roi.angle_rad))
        sure = found.confidence > CONFIDENT
        np.testing.assert_allclose(answer.keypoints_px[sure] - by_px, found.keypoints_px[sure], atol=0.3)
