"""A person's scale in OKS: the area that is its square, and where that area comes from.

OKS divides a joint's distance by the person's scale, so the same answer scores differently by another rule for the
area. COCO takes the area of the segmentation. Where a file gives no area, xtcocotools and CrowdPose take 0.53 of the
box that the annotator drew. Without such a box we take 0.53 of the labelled joints' extent: by the median, rendered
masks cover 0.55 and COCO's 0.58 of it. Two columns of `People.extras` say it, and every stage that makes people writes
them: `area` (px^2) and `area_from` (one of `AREA_WORDS`).

Order: `person_area` is what OKS reads; `with_area` and `with_joint_area` write the columns, `scale_columns` takes them
along, `scale_counts` and `scale_words` name the rule in metrics.
"""

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dataengine.boxes import Boxes, box_from_keypoints
from dataengine.errors import InputError
from dataengine.keypoints import UNLABELLED
from dataengine.people import People

AREA, AREA_FROM = "area", "area_from"
MASK, GIVEN, BOX, JOINTS = "mask", "given", "box", "joints"
AREA_WORDS: Mapping[str, str] = {
    MASK: "a rendered mask",
    GIVEN: "the file's own area",
    BOX: "0.53 of the annotator's box",
    JOINTS: "0.53 of the joints' extent",
}
"""Where an area comes from, as in column `area_from` -> in words."""
# `tmparea` in xtcocotools' cocoeval.py, https://github.com/jin-s13/xtcocoapi; CrowdPose's evaluation has the same.
AREA_OF_BOX = 0.53
LEAST_AREA_PX2 = 1.0  # a single labelled joint has no extent
DECIMALS = 3  # of areas in files


def person_area(people: People) -> NDArray[np.float64]:
    """Each person's scale squared (n,), px^2: column `area`, or 0.53 of the box where that is missing.

    Raises:
        InputError: an area is not a number of 0 or more.
    """
    area, given = area_of_boxes(people.bbox_xywh_px), people.extras.get(AREA, ())
    for row, value in enumerate(given):
        if value is None:
            continue
        if not isinstance(value, int | float | np.number) or not value >= 0:
            raise InputError(f"the area of person {row} is malformed", expected="0 or more", got=str(value))
        area[row] = value
    return area


def area_of_boxes(bbox_xywh_px: Boxes) -> NDArray[np.float64]:
    """0.53 of boxes (..., 4) that somebody drew around the body, px^2."""
    return AREA_OF_BOX * np.asarray(bbox_xywh_px, dtype=np.float64)[..., 2:].prod(axis=-1)


def area_of_joints(
    keypoints_px: NDArray[np.floating[Any]], visibility: NDArray[np.integer[Any]]
) -> NDArray[np.float64]:
    """0.53 of the extent of the labelled joints of poses (n, k, 2), px^2; thin ones are widened as their boxes are."""
    return np.maximum(area_of_boxes(box_from_keypoints(keypoints_px, visibility, margin=0.0)), LEAST_AREA_PX2)


def is_origin(value: object) -> bool:
    """Whether a file's `area_from` is one of `AREA_WORDS`."""
    return isinstance(value, str) and value in AREA_WORDS


def with_area(people: People) -> People:
    """`people` with both columns, filled where something is missing."""
    given = people.extras.get(AREA, [None] * len(people))
    came_from = people.extras.get(AREA_FROM, [None] * len(people))
    origin = [
        BOX if area is None else source if is_origin(source) else GIVEN
        for area, source in zip(given, came_from, strict=True)
    ]
    return _with_columns(people, person_area(people), np.array(origin, dtype=str))


def with_joint_area(people: People) -> People:
    """`people` with the area that their labelled joints give; by the box for those without any."""
    some = (people.visibility > UNLABELLED).any(axis=1)
    area = np.where(some, area_of_joints(people.keypoints_px, people.visibility), area_of_boxes(people.bbox_xywh_px))
    return _with_columns(people, area, np.where(some, JOINTS, BOX))


def scale_columns(people: People) -> dict[str, NDArray[Any]]:
    """The columns that say the scale, for a stage that leaves out the others."""
    return {name: people.extras[name] for name in (AREA, AREA_FROM) if name in people.extras}


def scale_counts(people: People) -> dict[str, int]:
    """How many of `people` have their area from where, in the order of `AREA_WORDS`."""
    origin = with_area(people).extras[AREA_FROM]
    counts = {name: int((origin == name).sum()) for name in AREA_WORDS}
    return {name: count for name, count in counts.items() if count}


def scale_words(people: People) -> str:
    """What the scale of OKS is on `people`, in one line for metrics and reports.

    >>> joints, flags = np.zeros((2, 17, 2)), np.zeros((2, 17))
    >>> people = People.build(image_id=[1, 1], bbox_xywh_px=np.ones((2, 4)), keypoints_px=joints, visibility=flags)
    >>> scale_words(people.with_extra("area", [3.0, None]))
    "the file's own area (1), 0.53 of the annotator's box (1)"
    """
    counts = scale_counts(people)
    if len(counts) == 1:
        return AREA_WORDS[next(iter(counts))]
    return ", ".join(f"{AREA_WORDS[name]} ({count})" for name, count in counts.items())


def _with_columns(people: People, area: NDArray[np.float64], origin: NDArray[np.str_]) -> People:
    return people.replace(extras={**people.extras, AREA: area.round(DECIMALS), AREA_FROM: origin})
