"""Left or right, by a teacher that sees the picture: BlazePose reads the box, and its pose is compared with the labels.

A person is suspect when the labels with left and right exchanged lie close to the teacher's joints and the labels as
they are lie far from them. People on whom the teacher agrees with neither are not judged.
"""

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from dataengine.blazepose.in_boxes import poses_in_boxes
from dataengine.keypoints import FLIP_INDEX, UNLABELLED
from dataengine.people import Images, People

from .person_boxes import Fault

LEAST_PAIRS = 3
CLOSE = 0.08  # mean distance, as a share of the box's diagonal: the teacher sees this pose
TIMES = 2.0  # the labels as they are must be this many times farther away
FARTHEST = 0.3  # one joint quite wrong must not decide for all
_FIRST_BODY_JOINT = 5


def teacher_sides(people: People, images: Images, models: Path) -> list[Fault]:
    """People whose sides look exchanged to BlazePose; `models` is the folder that the stage fetch writes."""
    return judge_sides(people, poses_in_boxes(people, images, models).keypoints_px)


def judge_sides(people: People, teacher_px: NDArray[np.floating]) -> list[Fault]:
    """People whose sides look exchanged to a teacher, from its poses (n, 17, 2); NaN where it has none."""
    labelled = people.visibility > UNLABELLED
    labelled[:, :_FIRST_BODY_JOINT] = False
    paired = labelled & labelled[:, FLIP_INDEX]
    diagonal = np.maximum(np.linalg.norm(people.bbox_xywh_px[:, 2:], axis=1), 1e-6)[:, None]
    as_labelled, exchanged = (
        _mean_distance(people.keypoints_px[:, order], teacher_px, diagonal, paired)
        for order in (np.arange(len(FLIP_INDEX)), FLIP_INDEX)
    )
    enough = paired.sum(axis=1) >= 2 * LEAST_PAIRS
    bad = enough & (exchanged < CLOSE) & (as_labelled > TIMES * exchanged)
    return [
        Fault(
            int(row),
            f"{exchanged[row]:.2f} of the box from the teacher when exchanged, {as_labelled[row]:.2f} as labelled",
            float(as_labelled[row] - exchanged[row]),
        )
        for row in np.flatnonzero(bad)
    ]


def _mean_distance(
    points: NDArray[np.floating],
    teacher_px: NDArray[np.floating],
    diagonal: NDArray[np.float64],
    used: NDArray[np.bool_],
) -> NDArray[np.float64]:
    distance = np.linalg.norm(points - teacher_px, axis=2) / diagonal
    distance = np.minimum(np.nan_to_num(distance, nan=FARTHEST), FARTHEST)
    return np.asarray((distance * used).sum(axis=1) / np.maximum(used.sum(axis=1), 1))
