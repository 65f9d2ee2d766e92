"""What is kept of an import: a COCO keypoints file named by its content, in an order that depends on the content alone.

Its images are the pictures that somebody answered; one without people is confirmed to show nobody. `info` says which
those are, what each annotator did, and with which params. The same labels give the same file, whatever order the tool
wrote them in.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from dataengine.coco_json import write_people
from dataengine.errors import InputError
from dataengine.files import sha256_file, short_sha256
from dataengine.geometry.pixel_grid import to_corner
from dataengine.keypoints import UNLABELLED
from dataengine.labels.joint_weights import JOINT_WEIGHT, joint_weights
from dataengine.people import Images, People
from dataengine.person_scale import person_area

from .answers import LISTED, AnnotatorAnswers
from .sent import Sent

OUTSIDE_TOLERANCE_PX = 2.0
"""Tools round, and a joint may be clicked on the very edge."""


def check_people(people: People, images: Images, path: Path) -> None:
    """Raise `InputError` if a person of the file `path` has no labelled joint, one off the picture, or an empty box."""
    rows = images.rows_of(people.image_id)
    size = np.stack([images.width[rows], images.height[rows]], axis=1)[:, None]
    labelled = people.visibility > UNLABELLED
    points = to_corner(people.keypoints_px)
    outside = ((points < -OUTSIDE_TOLERANCE_PX) | (points > size + OUTSIDE_TOLERANCE_PX)).any(axis=2) & labelled
    faults = {
        "has no labelled joint": ~labelled.any(axis=1),
        "has a joint outside the image": outside.any(axis=1),
        "has an empty box": (people.bbox_xywh_px[:, 2:] <= 0).any(axis=1),
    }
    bad = [f"person {row + 1} {fault}" for fault, mask in faults.items() for row in np.flatnonzero(mask)]
    if bad:
        more = f" and {len(bad) - LISTED} more" if len(bad) > LISTED else ""
        raise InputError(f"{path} has wrong records", got=", ".join(bad[:LISTED]) + more, fix="correct them")


def write_labels(folder: Path, answers: AnnotatorAnswers, sent: Sent, info: Mapping[str, Any]) -> Path:
    """Write the answers to `folder`/<hash>.json and return that path.

    Raises:
        InputError: a picture is not the one that was sent any more.
    """
    people, images = _in_order(answers, sent)
    digest = _content_sha256(people, answers.nobody)
    path = folder / f"{short_sha256(digest)}.json"
    nobody = [{"sha256": key, "annotator": answers.nobody[key]} for key in sorted(answers.nobody)]
    write_people(path, people, images, info={"content_sha256": digest, "nobody": nobody, **info})
    return path


def _in_order(answers: AnnotatorAnswers, sent: Sent) -> tuple[People, Images]:
    """Sorted by image hash, then box; image ids count from 0. Hand-labelled people are real, of weight 1."""
    people = answers.people
    people = people.take(np.lexsort((*people.bbox_xywh_px.T[::-1], people.extras["sha256"])))
    row_sent = {key: row for row, key in enumerate(sent.sha256.tolist())}
    answered = sorted(answers.sha256)
    images = sent.images.take([row_sent[key] for key in answered]).replace(id=np.arange(len(answered)))
    for path, key in zip(images.path.tolist(), answered, strict=True):
        if not Path(path).is_file() or sha256_file(Path(path)) != key:
            fix = "bring the file back that was sent out; labels of another picture are worth nothing"
            raise InputError(f"{path} has changed since it was sent out", fix=fix)
    number = {key: new for new, key in enumerate(answered)}
    return People.build(
        image_id=[number[key] for key in people.extras["sha256"].tolist()],
        bbox_xywh_px=people.bbox_xywh_px,
        keypoints_px=people.keypoints_px,
        visibility=people.visibility,
        extras=dict(people.extras),
    ), images


def _content_sha256(people: People, nobody: Mapping[str, str]) -> str:
    """Hash of what was labelled and by whom: images, boxes, areas, joints, weights, in the order of `_in_order`."""
    names = [people.extras[name].tolist() for name in ("sha256", "annotator")]
    content = hashlib.sha256(repr([*names, sorted(nobody.items())]).encode())
    points = np.where(people.visibility[..., None] > UNLABELLED, people.keypoints_px, 0)
    for array in (people.bbox_xywh_px, person_area(people), points):
        content.update(np.round(array.astype(np.float64), 2).tobytes())
    content.update(people.visibility.tobytes())
    if JOINT_WEIGHT in people.extras:
        content.update(joint_weights(people).tobytes())
    return content.hexdigest()
