"""PCK: the share of joints predicted within a fraction of the person's size.

The size is the torso (Yang & Ramanan 2013, as LSP and MPII results are given), here the longer of the two shoulder-hip
diagonals; where one end of both is unlabelled, half the box's longer side, which a torso is about on a standing person.
"""

import numpy as np
from numpy.typing import NDArray

from dataengine.keypoints import COCO_KEYPOINTS
from dataengine.people import People

LEFT_SHOULDER, RIGHT_SHOULDER = COCO_KEYPOINTS.index("left_shoulder"), COCO_KEYPOINTS.index("right_shoulder")
LEFT_HIP, RIGHT_HIP = COCO_KEYPOINTS.index("left_hip"), COCO_KEYPOINTS.index("right_hip")
TORSO_DIAGONALS = ((LEFT_SHOULDER, RIGHT_HIP), (RIGHT_SHOULDER, LEFT_HIP))
TORSO_OF_BOX = 0.5


def pck(gt: People, keypoints_px: NDArray[np.floating], fraction: float = 0.2) -> float:
    """Share (0..1) of labelled joints of `gt` that `keypoints_px` (n, 17, 2), image px, places within
    `fraction` of the person's size. Row i of both is the same person. 0 when no joint is labelled.
    """
    labelled = gt.visibility > 0
    return float(correct_joints(gt, keypoints_px, fraction)[labelled].mean()) if labelled.any() else 0.0


def pck_per_joint(gt: People, keypoints_px: NDArray[np.floating], fraction: float = 0.2) -> dict[str, float]:
    """PCK of each joint by name; joints that nobody has labelled are left out."""
    labelled, correct = gt.visibility > 0, correct_joints(gt, keypoints_px, fraction)
    return {
        name: float(correct[labelled[:, joint], joint].mean())
        for joint, name in enumerate(COCO_KEYPOINTS)
        if labelled[:, joint].any()
    }


def correct_joints(gt: People, keypoints_px: NDArray[np.floating], fraction: float) -> NDArray[np.bool_]:
    """(n, 17): which joints lie within `fraction` of the person's size. Unlabelled joints are False."""
    distance = np.linalg.norm(np.asarray(keypoints_px, dtype=np.float64) - gt.keypoints_px, axis=2)
    return (distance <= fraction * torso_px(gt)[:, None]) & (gt.visibility > 0)


def torso_px(gt: People) -> NDArray[np.float64]:
    """Size of each person's torso (n,), px."""
    points, labelled = gt.keypoints_px.astype(np.float64), gt.visibility > 0
    size = np.zeros(len(gt))
    for shoulder, hip in TORSO_DIAGONALS:
        length = np.linalg.norm(points[:, shoulder] - points[:, hip], axis=1)
        size = np.maximum(size, np.where(labelled[:, shoulder] & labelled[:, hip], length, 0.0))
    return np.where(size > 0, size, TORSO_OF_BOX * gt.bbox_xywh_px[:, 2:].max(axis=1, initial=0.0))
