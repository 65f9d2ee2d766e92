"""COCO keypoints, in and out; also OCHuman, which is published in this form, and the body part of COCO-WholeBody.

Visibility is COCO's own: 0 not labelled, 1 labelled but occluded, 2 visible. A category may name its joints in any
order and have more of them than COCO; those are counted as dropped, as WholeBody's hands, face and feet are.
"""

from dataclasses import replace
from pathlib import Path

from dataengine.files import write_json
from dataengine.keypoints import COCO_KEYPOINTS
from dataengine.people import Images, People

from .coco_like import coco_like_document, read_coco_like
from .coco_records import FormatLayout
from .reading.content import Limits, SourceContent
from .reading.joints import COCO_MAP
from .writing import Written, lost_fields, relative_names

WHOLEBODY_PARTS = {"foot_kpts": 6, "face_kpts": 68, "lefthand_kpts": 21, "righthand_kpts": 21}
LAYOUT = FormatLayout(any_joints=True)
_DEFAULT_LIMITS = Limits()


def read_coco(annotations: Path, folder: Path, limits: Limits = _DEFAULT_LIMITS) -> SourceContent:
    """Read a person_keypoints file whose `file_name`s are relative to `folder`; each bad record alone is set aside."""
    return read_coco_like(annotations, folder, LAYOUT, limits)


def read_wholebody(annotations: Path, folder: Path, limits: Limits = _DEFAULT_LIMITS) -> SourceContent:
    """Read the 17 body joints of a COCO-WholeBody file."""
    return read_coco_like(annotations, folder, replace(LAYOUT, other_joints=WHOLEBODY_PARTS), limits)


def write_coco(annotations: Path, people: People, images: Images, folder: Path) -> Written:
    """Write a person_keypoints file; `file_name`s are relative to `folder`."""
    write_json(
        annotations, coco_like_document(people, images, relative_names(images, folder), COCO_MAP, COCO_KEYPOINTS)
    )
    return Written(len(people), len(images), lost_fields(people, kept={"area"}))
