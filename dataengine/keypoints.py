"""COCO-17 keypoint definitions. Every index is 0-based; left and right are the person's own."""

import numpy as np
from numpy.typing import NDArray

COCO_KEYPOINTS: tuple[str, ...] = (
    "nose",
    "left_eye",
    "right_eye",
    "left_ear",
    "right_ear",
    "left_shoulder",
    "right_shoulder",
    "left_elbow",
    "right_elbow",
    "left_wrist",
    "right_wrist",
    "left_hip",
    "right_hip",
    "left_knee",
    "right_knee",
    "left_ankle",
    "right_ankle",
)

BODY_KEYPOINTS = COCO_KEYPOINTS[COCO_KEYPOINTS.index("left_shoulder") :]  # shoulders to ankles, what most sets share

# Edges of the COCO person category, written 1-based in its annotation files and 0-based here.
COCO_SKELETON: tuple[tuple[int, int], ...] = (
    (15, 13),
    (13, 11),
    (16, 14),
    (14, 12),
    (11, 12),
    (5, 11),
    (6, 12),
    (5, 6),
    (5, 7),
    (6, 8),
    (7, 9),
    (8, 10),
    (1, 2),
    (0, 1),
    (0, 2),
    (1, 3),
    (2, 4),
    (3, 5),
    (4, 6),
)

FLIP_INDEX: NDArray[np.int64] = np.array([0, 2, 1, 4, 3, 6, 5, 8, 7, 10, 9, 12, 11, 14, 13, 16, 15], dtype=np.int64)

# Per-keypoint falloff of OKS: the values of pycocotools' `Params.setKpParams`.
COCO_SIGMAS: NDArray[np.float64] = (
    np.array([0.26, 0.25, 0.25, 0.35, 0.35, 0.79, 0.79, 0.72, 0.72, 0.62, 0.62, 1.07, 1.07, 0.87, 0.87, 0.89, 0.89])
    / 10
)

# COCO visibility flags.
UNLABELLED, OCCLUDED, VISIBLE = 0, 1, 2
