"""The poses of chosen pictures as the file that `dataengine render --like` fits its body to."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from dataengine.boxes import box_from_keypoints
from dataengine.coco_json import write_people
from dataengine.errors import InputError
from dataengine.files import sha256_file, short_sha256
from dataengine.keypoints import UNLABELLED
from dataengine.people import JOINTS, Images, People

from .joints import PersonAnswer

FOLDER = "data/render_requests"


@dataclass(frozen=True, eq=False, kw_only=True)
class Wanted:
    """A picture whose people are to be rendered like."""

    path: Path
    size: tuple[int, int]
    people: Sequence[PersonAnswer]


def write_request(project: Path, wanted: Sequence[Wanted]) -> tuple[Path, int]:
    """Write the people with joints; returns the file, named by its content, and how many they are.

    The same request gives the same file, and no request replaces another.

    Raises:
        InputError: nobody in these pictures has a joint.
    """
    people = [(row, person) for row, each in enumerate(wanted) for person in each.people if person.labelled]
    if not people:
        raise InputError("nobody in these pictures has a joint", fix="choose pictures with people")
    visibility = np.array([person.visibility for _, person in people], dtype=np.uint8).reshape(-1, JOINTS)
    points = np.array([person.points_px for _, person in people]).reshape(-1, JOINTS, 2)
    points = np.where(visibility[..., None] > UNLABELLED, points, 0.0)
    table = People.build(
        image_id=[row for row, _ in people],
        bbox_xywh_px=box_from_keypoints(points, visibility),
        keypoints_px=points,
        visibility=visibility,
    )
    folder = project / FOLDER
    images = Images.build(
        id=np.arange(len(wanted)),
        path=[str(folder / each.path.name) for each in wanted],  # poses are read, pictures are not
        width=[each.size[0] for each in wanted],
        height=[each.size[1] for each in wanted],
    )
    draft = folder / ".request.json"
    write_people(draft, table, images)
    path = draft.with_name(f"like-{short_sha256(sha256_file(draft))}.json")
    draft.replace(path)
    return path, len(table)
