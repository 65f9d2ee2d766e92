"""PCK and PCKh: the share of joints predicted within a fraction of the person's size.

PCK takes the torso (Yang & Ramanan 2013, as LSP results are given), here the longer of the two shoulder-hip diagonals;
where one end of both is unlabelled, half the box's longer side, which a torso is about on a standing person. PCKh takes
the head (Andriluka et al. 2014, as MPII results are given), which has to be labelled: COCO's 17 joints include neither
head top nor neck, and ears and eyes turn with the view, so people without a labelled head size count nowhere.
"""

import numpy as np
from numpy.typing import NDArray

from dataengine.errors import InputError
from dataengine.keypoints import COCO_KEYPOINTS, UNLABELLED
from dataengine.people import People

LEFT_SHOULDER, RIGHT_SHOULDER = COCO_KEYPOINTS.index("left_shoulder"), COCO_KEYPOINTS.index("right_shoulder")
LEFT_HIP, RIGHT_HIP = COCO_KEYPOINTS.index("left_hip"), COCO_KEYPOINTS.index("right_hip")
TORSO_DIAGONALS = ((LEFT_SHOULDER, RIGHT_HIP), (RIGHT_SHOULDER, LEFT_HIP))
TORSO_OF_BOX = 0.5
HEAD_COLUMN = "head_size_px"  # MPII's own: 0.6 of the diagonal of the labelled head box


def pck(gt: People, keypoints_px: NDArray[np.floating], fraction: float = 0.2) -> float:
    """Share (0..1) of labelled joints of `gt` that `keypoints_px` (n, 17, 2), image px, places within
    `fraction` of the torso. Row i of both is the same person. 0 when no joint is labelled.

    >>> joints = np.zeros((1, 17, 2))
    >>> joints[0, [RIGHT_SHOULDER, LEFT_HIP]] = (0, 0), (30, 40)  # a torso of 50 px: within 10 px is right
    >>> gt = People.build(image_id=[1], bbox_xywh_px=[0, 0, 60, 160], keypoints_px=joints, visibility=[2] * 17)
    >>> joints[0, :4] += (9, 0), (11, 0), (0, 10), (8, 8)
    >>> round(pck(gt, joints), 3)  # two of 17 joints are too far off
    0.882
    """
    return _share_near(gt, keypoints_px, fraction * torso_px(gt))


def pckh(gt: People, keypoints_px: NDArray[np.floating], fraction: float = 0.5, column: str = HEAD_COLUMN) -> float:
    """Like `pck`, within `fraction` of the head size in extra column `column`, px; people without one are left out.

    No head size is None, NaN or 0.

    For results on MPII, to call from Python: no stage reads a set with labelled heads.

    Raises:
        InputError: the column is missing.
    """
    if column not in gt.extras:
        fix = "PCKh needs labelled heads; use pck"
        raise InputError("head sizes are missing", expected=f"an extra column {column!r}", fix=fix)
    size = np.array([value or 0.0 for value in gt.extras[column]], dtype=np.float64)
    has_head = size > 0
    return _share_near(gt.take(has_head), keypoints_px[has_head], fraction * size[has_head])


def torso_px(gt: People) -> NDArray[np.float64]:
    """Size of each person's torso (n,), px."""
    points, labelled = gt.keypoints_px.astype(np.float64), gt.visibility > UNLABELLED
    size = np.zeros(len(gt))
    for shoulder, hip in TORSO_DIAGONALS:
        length = np.linalg.norm(points[:, shoulder] - points[:, hip], axis=1)
        size = np.maximum(size, np.where(labelled[:, shoulder] & labelled[:, hip], length, 0.0))
    return np.where(size > 0, size, TORSO_OF_BOX * gt.bbox_xywh_px[:, 2:].max(axis=1, initial=0.0))


def _share_near(gt: People, keypoints_px: NDArray[np.floating], reach_px: NDArray[np.float64]) -> float:
    """Share of labelled joints predicted within the person's `reach_px` (n,); 0 when no joint is labelled."""
    distance = np.linalg.norm(np.asarray(keypoints_px, dtype=np.float64) - gt.keypoints_px, axis=2)
    near, labelled = distance <= reach_px[:, None], gt.visibility > UNLABELLED
    return float(near[labelled].mean()) if labelled.any() else 0.0
