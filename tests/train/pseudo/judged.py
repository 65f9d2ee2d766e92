"""Constructed opinions of two teachers, and the verdict on them."""

from dataclasses import replace

import numpy as np

from dataengine.train.pseudo.filters import FilterParams, JointVerdict, Opinion, Placement
from dataengine.train.pseudo.filters import judge_joints as judge
from dataengine.train.pseudo.params import PseudoLabelParams

PARAMS = PseudoLabelParams(
    target_precision=0.9,
    target_confidence=0.8,
    right_from=0.5,
    max_limb_excess=0,
    min_track_frames=1,
    max_disputed_share=0.5,
    vouching="either-unless-disputed",
    blazepose_confidence=0.6,
    fitted_confidence=0.6,
    flip_tolerance=0.1,
    agreement_tolerance=0.1,
    temporal_tolerance=0.1,
    min_joints=6,
    lone_teacher_trust=0.5,
    track_overlap=0.3,
    max_gap=3,
)
BOX = np.array([[0.0, 0.0, 100.0, 100.0]])  # size 100 px, so that shares of it are easy to read
ALONE = np.array([[-1, -1]])


def judge_joints(
    first: Opinion,
    second: Opinion,
    boxes: np.ndarray,
    neighbour_rows: np.ndarray,
    params: FilterParams,
    time: list[float] | None = None,
) -> JointVerdict:
    """The verdict on people in pictures of 200 x 100 px; frames are evenly spaced unless `time` says otherwise."""
    n = len(boxes)
    times = np.arange(n, dtype=np.float64) if time is None else np.array(time)
    return judge(first, second, Placement(boxes, np.tile([200, 100], (n, 1)), neighbour_rows, times), params)


def opinion(n: int = 1, confidence: float = 0.9, flip_px: float = 0.0) -> Opinion:
    points = np.tile(np.arange(17, dtype=np.float64)[None, :, None], (n, 1, 2)) * 5.0
    return Opinion(points, np.full((n, 17), confidence), np.full((n, 17), flip_px))


def moved(of: Opinion, joint: int, by_px: float, row: int = 0) -> Opinion:
    points = of.keypoints_px.copy()
    points[row, joint, 0] += by_px
    return replace(of, keypoints_px=points)


def changed(of: Opinion, field: str, joint: int, value: float) -> Opinion:
    array = getattr(of, field).copy()
    array[:, joint] = value
    return replace(of, **{field: array})
