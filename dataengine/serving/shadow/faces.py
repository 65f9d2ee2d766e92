"""Heads made unrecognisable, found by the joints of the head."""

import cv2
import numpy as np
from numpy.typing import NDArray

from dataengine.keypoints import COCO_KEYPOINTS

HEAD = [COCO_KEYPOINTS.index(name) for name in ("nose", "left_eye", "right_eye", "left_ear", "right_ear")]
REACH = 1.8  # times the farthest head joint from their middle: ears and eyes lie inside the head
LEAST_REACH = 0.09  # of the box's longer side: a face from the side has its joints close together
BLOCKS = 4  # pixels a side that are left of a head: too few to recognise anybody by


def head_circles(
    keypoints_px: NDArray[np.floating], taught: NDArray[np.bool_], bbox_xywh_px: NDArray[np.floating]
) -> NDArray[np.float64]:
    """Circles (m, 3) x, y, radius around the heads of n people (n, 17, 2) in boxes (n, 4); none without head joints."""
    joints = [joint for joint in HEAD if taught[joint]]
    if not joints or not len(keypoints_px):
        return np.empty((0, 3))
    head = np.asarray(keypoints_px, dtype=np.float64)[:, joints]
    middle = head.mean(axis=1)
    reach = np.linalg.norm(head - middle[:, None], axis=2).max(axis=1) * REACH
    least = np.asarray(bbox_xywh_px, dtype=np.float64)[:, 2:].max(axis=1) * LEAST_REACH
    return np.column_stack([middle, np.maximum(reach, least)])


def blur_circles(image_bgr: NDArray[np.uint8], circles: NDArray[np.float64]) -> NDArray[np.uint8]:
    """The image (h, w, 3) with what lies in the circles (m, 3) reduced to `BLOCKS` x `BLOCKS` colours."""
    blurred = image_bgr.copy()
    height, width = image_bgr.shape[:2]
    for x, y, radius in circles.tolist():
        left, top = max(int(x - radius), 0), max(int(y - radius), 0)
        right, bottom = min(int(x + radius) + 2, width), min(int(y + radius) + 2, height)
        if left >= right or top >= bottom:
            continue
        part = blurred[top:bottom, left:right]
        small = cv2.resize(part, (BLOCKS, BLOCKS), interpolation=cv2.INTER_AREA)
        coarse = cv2.resize(small, part.shape[1::-1], interpolation=cv2.INTER_LINEAR)
        rows, columns = np.mgrid[top:bottom, left:right]
        inside = (columns - x) ** 2 + (rows - y) ** 2 <= radius**2
        part[inside] = coarse[inside]
    return blurred
