"""Left or right, by a teacher that sees the picture: BlazePose reads the box, and its pose is compared with the labels.

A person is suspect when the labels with left and right exchanged lie close to the teacher's joints and the labels as
they are lie far from them. People on whom the teacher agrees with neither are not judged.
"""

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from dataengine.blazepose import BlazePose, Roi
from dataengine.crops.pixels import read_image
from dataengine.geometry.pixel_grid import from_corner
from dataengine.keypoints import FLIP_INDEX, UNLABELLED
from dataengine.people import Images, People
from dataengine.terminal.progress import track

from .person_boxes import Fault

LEAST_PAIRS = 3
CLOSE = 0.08  # mean distance, as a share of the box's diagonal: the teacher sees this pose
TIMES = 2.0  # the labels as they are must be this many times farther away
FARTHEST = 0.3  # one joint quite wrong must not decide for all
BOX_PADDING = 1.25
_FIRST_BODY_JOINT = 5


def teacher_sides(people: People, images: Images, models: Path) -> list[Fault]:
    """People whose sides look exchanged to BlazePose; `models` is the folder that the stage fetch writes."""
    return judge_sides(people, teacher_poses(people, images, models))


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


def teacher_poses(people: People, images: Images, models: Path) -> NDArray[np.float64]:
    """BlazePose's joints (n, 17, 2) in image pixels for the person in each box; one person per region."""
    blazepose = BlazePose(models)
    rows = images.rows_of(people.image_id)
    poses = np.full((len(people), 17, 2), np.nan)
    for row in track(np.unique(rows), "teacher looks at sides", unit="image"):
        image = read_image(str(images.path[row]))
        for person in np.flatnonzero(rows == row):
            box = people.bbox_xywh_px[person].astype(np.float64)
            x, y = from_corner(box[:2] + box[2:] / 2).tolist()
            region = Roi(x, y, BOX_PADDING * max(*box[2:].tolist(), 1.0), 0.0)
            poses[person] = blazepose.landmarks(image, region).keypoints_px
    return poses


def _mean_distance(
    points: NDArray[np.floating],
    teacher_px: NDArray[np.floating],
    diagonal: NDArray[np.float64],
    used: NDArray[np.bool_],
) -> NDArray[np.float64]:
    distance = np.linalg.norm(points - teacher_px, axis=2) / diagonal
    distance = np.minimum(np.nan_to_num(distance, nan=FARTHEST), FARTHEST)
    return np.asarray((distance * used).sum(axis=1) / np.maximum(used.sum(axis=1), 1))
