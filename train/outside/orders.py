"""Public orders of joints, as numbers of the network's joints for each of COCO's 17; -1 where an order has none."""

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from dataengine.keypoints import COCO_KEYPOINTS, FLIP_INDEX

# "L" and "R" are the person's own sides; "-" stands for a point that COCO lacks.
_LIMBS = {name: f"{name[0].upper()}_{name.split('_')[1]}" for name in COCO_KEYPOINTS if "_" in name}
_WRITTEN: dict[str, str] = {
    "OpenPose 18": "nose - R_shoulder R_elbow R_wrist L_shoulder L_elbow L_wrist R_hip R_knee R_ankle L_hip L_knee "
    "L_ankle R_eye L_eye R_ear L_ear",
    "OpenPose BODY_25": "nose - R_shoulder R_elbow R_wrist L_shoulder L_elbow L_wrist - R_hip R_knee R_ankle L_hip "
    "L_knee L_ankle R_eye L_eye R_ear L_ear - - - - - -",
    "MPII": "R_ankle R_knee R_hip L_hip L_knee L_ankle - - - - R_wrist R_elbow R_shoulder L_shoulder L_elbow L_wrist",
    "CrowdPose": "L_shoulder R_shoulder L_elbow R_elbow L_wrist R_wrist L_hip R_hip L_knee R_knee L_ankle R_ankle - -",
    "AI Challenger": "R_shoulder R_elbow R_wrist L_shoulder L_elbow L_wrist R_hip R_knee R_ankle L_hip L_knee L_ankle "
    "- -",
    "LSP": "R_ankle R_knee R_hip L_hip L_knee L_ankle R_wrist R_elbow R_shoulder L_shoulder L_elbow L_wrist - -",
    "Human3.6M": "- R_hip R_knee R_ankle L_hip L_knee L_ankle - - - - L_shoulder L_elbow L_wrist R_shoulder R_elbow "
    "R_wrist",
    "BlazePose": "nose - L_eye - - R_eye - L_ear R_ear - - L_shoulder R_shoulder L_elbow R_elbow L_wrist R_wrist "
    "- - - - - - L_hip R_hip L_knee R_knee L_ankle R_ankle - - - -",
}
MIRRORED = ", sides exchanged"
FIRST_COCO = "COCO"
Order = NDArray[np.int64]


def public_orders(joints: int) -> Iterator[tuple[str, Order]]:
    """(name, order (17,)) that a network of `joints` joints may have, each also with its sides exchanged.

    COCO's comes first: COCO-WholeBody, Halpe and others begin with it.
    """
    if joints >= len(COCO_KEYPOINTS):
        yield from _both(FIRST_COCO, np.arange(len(COCO_KEYPOINTS), dtype=np.int64))
    for name, words in _WRITTEN.items():
        points = words.split()
        if len(points) <= joints:
            numbers = [points.index(written) if written in points else -1 for written in map(_written, COCO_KEYPOINTS)]
            yield from _both(name, np.array(numbers, dtype=np.int64))


def _both(name: str, order: Order) -> Iterator[tuple[str, Order]]:
    yield name, order
    yield name + MIRRORED, order[FLIP_INDEX]


def _written(name: str) -> str:
    return _LIMBS.get(name, name)
