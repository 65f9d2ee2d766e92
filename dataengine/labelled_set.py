"""Labelled sets as a whole: `joined` makes one of several, `set_sha256` identifies one by its contents.

The hash depends on pictures and labels, not on their order or place. Ids, paths and extra columns do not count, since
they change when other data is added; pictures, boxes and joints do.
"""

import hashlib
import json
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np

from dataengine.keypoints import UNLABELLED
from dataengine.people import Images, People

DECIMALS = 3  # of pixels, as the labels are written


def joined(parts: Iterable[tuple[People, Images]], *, first_id: int = 1) -> tuple[People, Images]:
    """All people and all images of one or more parts in order, the images numbered from `first_id` on."""
    people_parts, image_parts = [], []
    for people, images in parts:
        ids = np.arange(first_id, first_id + len(images))
        people_parts.append(people.replace(image_id=ids[images.rows_of(people.image_id)]))
        image_parts.append(images.replace(id=ids))
        first_id += len(images)
    return People.concat(people_parts), Images.concat(image_parts)


def set_sha256(people: People, images: Images, picture_sha256: Sequence[str]) -> str:
    """Hex hash of the set, given those of the files of `images`. The same before writing and after reading the set."""
    of_person = np.asarray(picture_sha256, dtype=str)[images.rows_of(people.image_id)]
    lines = sorted(json.dumps([str(of_person[row]), *_labels(people, row)]) for row in range(len(people)))
    return hashlib.sha256("\n".join([*sorted(picture_sha256), *lines]).encode()).hexdigest()


def _labels(people: People, row: int) -> list[Any]:
    labelled = people.visibility[row] > UNLABELLED
    points = np.where(labelled[:, None], people.keypoints_px[row], 0).astype(np.float64)
    return [
        people.bbox_xywh_px[row].astype(np.float64).round(DECIMALS).tolist(),
        points.round(DECIMALS).tolist(),
        people.visibility[row].tolist(),
    ]
