"""Networks that are not ours as witnesses: BlazePose, and whatever the user has adopted."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dataengine.errors import ParamsError
from dataengine.people import JOINT_CONFIDENCE, Images, People

from .hypotheses import Questions, size_px
from .witness import Witness, from_points

BLAZEPOSE = "BlazePose"
BLAZEPOSE_LOOKS = 2  # an upright square about the box, then the region that the model asks for


def outsiders_of(blazepose: Path | None, adopted: Sequence[Path]) -> dict[str, Path]:
    """The folders of those who are asked by the names they are given; an adopted one has that of its folder.

    Raises:
        ParamsError: two have the same name.
    """
    named = [(BLAZEPOSE, blazepose)] if blazepose is not None else []
    named += [(folder.resolve().name, folder) for folder in adopted]
    repeated = sorted({name for name, _ in named if [other for other, _ in named].count(name) > 1})
    if repeated:
        raise ParamsError("two networks have one name", expected="folders with names of their own", got=repeated[0])
    return dict(named)


def outsider(name: str, people: People, images: Images, folder: Path) -> tuple[NDArray[Any], NDArray[Any]]:
    """Places (n, 17, 2) and confidences (n, 17) of the outsider of that name, whose files are in `folder`."""
    if name == BLAZEPOSE:
        from dataengine.blazepose.in_boxes import poses_in_boxes

        found = poses_in_boxes(people, images, folder, looks=BLAZEPOSE_LOOKS)
    else:
        from dataengine.adopted.folder import load_adopted

        found = load_adopted(folder).people_in_boxes(people, images, description=name)
    return found.keypoints_px, np.asarray(found.extras[JOINT_CONFIDENCE])


def outsider_witness(name: str, answer: Sequence[NDArray[Any]], people: People, asked: Questions) -> Witness:
    """The witness that an outsider's answer makes."""
    points, confidence = (np.asarray(array, dtype=np.float64) for array in answer)
    return from_points(name, points, confidence, asked, size_px(people))
