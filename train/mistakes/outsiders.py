"""Networks that are not ours as witnesses: BlazePose and MoveNet, where the user has their files."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dataengine.people import JOINT_CONFIDENCE, Images, People

from .hypotheses import Questions, size_px
from .witness import Witness, from_points

BLAZEPOSE_LOOKS = 2  # an upright square about the box, then the region that the model asks for
Ask = Callable[[People, Images, Path], People]


def _blazepose(people: People, images: Images, model: Path) -> People:
    from dataengine.blazepose.in_boxes import poses_in_boxes

    return poses_in_boxes(people, images, model, looks=BLAZEPOSE_LOOKS)


def _movenet(people: People, images: Images, model: Path) -> People:
    from ..outside.movenet import movenet_in_boxes

    return movenet_in_boxes(people, images, model)


OUTSIDERS: dict[str, Ask] = {"BlazePose": _blazepose, "MoveNet": _movenet}


def outsider(name: str, people: People, images: Images, model: Path) -> tuple[NDArray[Any], NDArray[Any]]:
    """Places (n, 17, 2) and confidences (n, 17) of the outsider of that name, whose files are at `model`."""
    found = OUTSIDERS[name](people, images, model)
    return found.keypoints_px, np.asarray(found.extras[JOINT_CONFIDENCE])


def outsider_witness(name: str, answer: Sequence[NDArray[Any]], people: People, asked: Questions) -> Witness:
    """The witness that an outsider's answer makes."""
    points, confidence = (np.asarray(array, dtype=np.float64) for array in answer)
    return from_points(name, points, confidence, asked, size_px(people))
