"""People as the skeletons that a function of CVAT answers with, and the label that they need.

cvat-sdk finds labels by name, so the label is the one that `label-export` has CVAT told of. It declares no attribute:
a function may not name any that a project lacks.
"""

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from dataengine.errors import EnvironmentFault
from dataengine.formats.tools.cvat_labels import PERSON
from dataengine.formats.tools.cvat_writing import points_of
from dataengine.keypoints import COCO_KEYPOINTS, OCCLUDED, UNLABELLED
from dataengine.people import People

if TYPE_CHECKING:
    from cvat_sdk.auto_annotation import DetectionFunctionSpec
    from cvat_sdk.models import LabeledShapeRequest

PERSON_ID = 0


@dataclass(frozen=True)
class SkeletonPoint:
    """One joint as CVAT has it."""

    place: tuple[float, float]
    """x, y in pixels from the picture's corner; of an absent joint, where a figure in the person's box has it."""
    outside: bool
    """It is not in the picture, or nobody says where it is: flag 0."""
    occluded: bool
    """Flag 1."""


def skeleton_points(people: People, row: int) -> list[SkeletonPoint]:
    """All seventeen joints of a person, in COCO's order: CVAT wants those of flag 0, too."""
    places, flags = points_of(people, row).tolist(), people.visibility[row].tolist()
    return [
        SkeletonPoint((x, y), outside=flag == UNLABELLED, occluded=flag == OCCLUDED)
        for (x, y), flag in zip(places, flags, strict=True)
    ]


def require_cvat() -> None:
    """Raises `EnvironmentFault` where cvat-sdk is not installed."""
    try:
        import cvat_sdk.auto_annotation  # noqa: F401
    except ImportError as error:
        fix = "pip install -c constraints.txt -e '.[annotate]'"
        raise EnvironmentFault("CVAT's client is not installed", got=str(error), fix=fix) from error


def person_spec() -> "DetectionFunctionSpec":
    """A skeleton `person` of the seventeen joints, whose ids are their places in COCO's order."""
    import cvat_sdk.auto_annotation as cvat

    joints = [cvat.keypoint_spec(name, number) for number, name in enumerate(COCO_KEYPOINTS)]
    return cvat.DetectionFunctionSpec(labels=[cvat.skeleton_label_spec(PERSON, PERSON_ID, joints)])


def skeletons(people: People) -> list["LabeledShapeRequest"]:
    """A skeleton for each person, with their score."""
    import cvat_sdk.auto_annotation as cvat

    answers = []
    for row, score in enumerate(people.score.astype(float).tolist()):
        joints = [
            cvat.keypoint(number, list(point.place), outside=point.outside, occluded=point.occluded)
            for number, point in enumerate(skeleton_points(people, row))
        ]
        answers.append(cvat.skeleton(PERSON_ID, joints, score=float(np.clip(score, 0.0, 1.0))))
    return answers
