"""People as the skeletons that a function of CVAT answers with, and the label that they need.

cvat-sdk finds labels by name, so the label is the one that `label-export` has CVAT told of. It declares no attribute:
a function may not name any that a project lacks.
"""

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
    """A skeleton for each person, with their score. CVAT wants all joints of each: a joint of flag 0 is `outside`."""
    import cvat_sdk.auto_annotation as cvat

    answers = []
    for row, score in enumerate(people.score.astype(float).tolist()):
        places = points_of(people, row).tolist()
        joints = [
            cvat.keypoint(number, place, outside=flag == UNLABELLED, occluded=flag == OCCLUDED)
            for number, (place, flag) in enumerate(zip(places, people.visibility[row].tolist(), strict=True))
        ]
        answers.append(cvat.skeleton(PERSON_ID, joints, score=float(np.clip(score, 0.0, 1.0))))
    return answers
