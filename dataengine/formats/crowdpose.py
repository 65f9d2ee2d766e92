"""CrowdPose, in and out: COCO JSON with 14 joints; visibility as in COCO (0 not labelled, 1 occluded, 2 visible).

Dropped on the way in: head and neck. Lost on the way out: nose, eyes and ears.
"""

from pathlib import Path

from dataengine.files import write_json
from dataengine.keypoints import BODY_KEYPOINTS
from dataengine.people import Images, People

from .coco_like import coco_like_document, coco_triples, read_coco_like
from .coco_records import FormatLayout
from .reading.content import Limits, SourceContent
from .reading.joints import joint_map
from .writing import Written, lost_fields, relative_names

JOINT_NAMES = (*BODY_KEYPOINTS, "head", "neck")
CROWDPOSE = joint_map(JOINT_NAMES)


def read_crowdpose(annotations: Path, folder: Path, limits: Limits) -> SourceContent:
    """Read a crowdpose_*.json."""
    return read_coco_like(annotations, folder, FormatLayout(joints=CROWDPOSE), limits)


def write_crowdpose(annotations: Path, people: People, images: Images, folder: Path) -> Written:
    """Write a file in CrowdPose's form; its crowd index is not made up."""
    write_json(annotations, coco_like_document(people, images, relative_names(images, folder), CROWDPOSE, JOINT_NAMES))
    lost = CROWDPOSE.lost(coco_triples(people)) | lost_fields(people, kept={"area"})
    return Written(len(people), len(images), lost)
