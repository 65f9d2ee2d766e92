"""Poses as the matching reads them: plain arrays, any number of joints, people of one image side by side.

`truths_of` and `detections_of` make them from `People`, `truths_of_records` and `detections_of_records` from COCO's
own dictionaries, of any skeleton.
"""

import struct
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from operator import itemgetter
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from dataengine.errors import InputError
from dataengine.evaluation.ap.oks_kernels import extents
from dataengine.keypoints import UNLABELLED
from dataengine.people import Images, People
from dataengine.person_scale import area_of_boxes, person_area

Record = Mapping[str, Any]


@dataclass(frozen=True, eq=False, kw_only=True)
class Truths:
    """The n labelled people of a set. Pixels of the image."""

    image: NDArray[np.int64]  # (n,) row in the set's image ids
    keypoints_px: NDArray[np.float64]  # (n, j, 2)
    labelled: NDArray[np.bool_]  # (n, j)
    box_xywh_px: NDArray[np.float64]  # (n, 4)
    area: NDArray[np.float64]  # (n,) scale squared, px^2
    crowd: NDArray[np.bool_]  # (n,) a group, which any number of detections may match
    ignored: NDArray[np.bool_]  # (n,) need not be found: crowds, and people without a labelled joint

    def __len__(self) -> int:
        return len(self.image)

    def only_joint(self, joint: int) -> Self:
        """The same people with a single joint labelled; people who lack it are ignored."""
        is_joint = np.zeros(self.labelled.shape[1], dtype=bool)
        is_joint[joint] = True
        labelled = self.labelled & is_joint
        return replace(self, labelled=labelled, ignored=self.ignored | ~labelled.any(axis=1))


@dataclass(frozen=True, eq=False, kw_only=True)
class Detections:
    """The d predicted poses of a set. Pixels of the image."""

    image: NDArray[np.int64]  # (d,) row in the set's image ids
    keypoints_px: NDArray[np.float64]  # (d, j, 2)
    score: NDArray[np.float64]  # (d,)
    area: NDArray[np.float64]  # (d,) px^2, what an area range looks at

    def __len__(self) -> int:
        return len(self.image)


def truths_of(gt: People, images: Images) -> tuple[Truths, NDArray[np.int64]]:
    """`gt` and the set's image ids (m,), rising.

    A person's area is `person_scale.person_area`: column `area` where there is one (COCO: the segmentation's), else
    0.53 of the box; `iscrowd` is an extra column too.

    Raises:
        InputError: a person stands in an unknown image, or an area is not a number of 0 or more.
    """
    images.rows_of(gt.image_id)
    image_id = np.sort(images.id)
    labelled = gt.visibility > UNLABELLED
    crowd = np.array([bool(value) for value in gt.extras.get("iscrowd", np.zeros(len(gt)))], dtype=bool)
    truths = Truths(
        image=np.searchsorted(image_id, gt.image_id),
        keypoints_px=gt.keypoints_px.astype(np.float64),
        labelled=labelled,
        box_xywh_px=gt.bbox_xywh_px.astype(np.float64),
        area=person_area(gt),
        crowd=crowd,
        ignored=crowd | ~labelled.any(axis=1),
    )
    return truths, image_id


def detections_of(found: People, images: Images, image_id: NDArray[np.int64]) -> Detections:
    """`found` with the area that pycocotools' `loadRes` gives: the extent of the keypoints.

    Raises:
        InputError: a detection stands in an image that `images` does not have.
    """
    images.rows_of(found.image_id)
    points = found.keypoints_px.astype(np.float64)
    return Detections(
        image=np.searchsorted(image_id, found.image_id),
        keypoints_px=points,
        score=found.score.astype(np.float64),
        area=extents(points),
    )


def truths_of_records(annotations: Sequence[Record], image_ids: Sequence[int]) -> tuple[Truths, NDArray[np.int64]]:
    """COCO annotations, and the set's image ids (m,), rising.

    A person without `area` has 0.53 of its box, as in `truths_of` and in xtcocotools.
    """
    image_id = np.unique(np.fromiter(image_ids, dtype=np.int64))
    if not annotations:
        raise InputError("nobody to evaluate on", expected="at least one labelled person", got="0")
    triplets = _triplets(annotations)
    labelled = triplets[:, :, 2] > 0
    box = _packed(annotations, "bbox", 4).copy()  # writable: the kernels would be compiled again for read-only arrays
    area = area_of_boxes(box)
    given = {row: record["area"] for row, record in enumerate(annotations) if record.get("area") is not None}
    area[list(given)] = list(given.values())
    crowd = np.array([bool(record.get("iscrowd")) for record in annotations])
    unlabelled = np.array([record.get("num_keypoints") == 0 for record in annotations])
    truths = Truths(
        image=_rows(annotations, image_id),
        keypoints_px=np.ascontiguousarray(triplets[:, :, :2]),
        labelled=labelled,
        box_xywh_px=box,
        area=area,
        crowd=crowd,
        ignored=crowd | unlabelled | ~labelled.any(axis=1),
    )
    return truths, image_id


def detections_of_records(results: Sequence[Record], image_id: NDArray[np.int64], joints: int) -> Detections:
    """COCO results (`image_id`, `keypoints`, `score`) as pycocotools' `loadRes` reads them."""
    triplets = _triplets(results) if results else np.empty((0, joints, 3))
    points = np.ascontiguousarray(triplets[:, :, :2])
    return Detections(
        image=_rows(results, image_id),
        keypoints_px=points,
        score=np.fromiter(map(itemgetter("score"), results), dtype=np.float64, count=len(results)),
        area=extents(points),
    )


def _triplets(records: Sequence[Record]) -> NDArray[np.float64]:
    """(n, j, 3): x, y, flag."""
    length = len(records[0]["keypoints"])
    if length % 3 or not length:
        raise InputError("keypoints are malformed", expected="x, y, v of each joint", got=f"{length} numbers")
    return _packed(records, "keypoints", length).reshape(len(records), -1, 3)


def _packed(records: Sequence[Record], key: str, length: int) -> NDArray[np.float64]:
    """(n, length) numbers of every record. `struct` reads lists twice as fast as numpy does, and counts them."""
    pack = struct.Struct(f"{length}d").pack
    try:
        flat = b"".join([pack(*record[key]) for record in records])
    except (struct.error, KeyError, TypeError) as error:
        expected = f"{length} numbers in every record"
        raise InputError(f"{key} is malformed", expected=expected, got=f"one with {error}") from error
    return np.frombuffer(flat).reshape(len(records), length)


def _rows(records: Sequence[Record], image_id: NDArray[np.int64]) -> NDArray[np.int64]:
    wanted_ids = np.fromiter(map(itemgetter("image_id"), records), dtype=np.int64, count=len(records))
    rows = np.searchsorted(image_id, wanted_ids)
    unknown = image_id[np.minimum(rows, len(image_id) - 1)] != wanted_ids
    if unknown.any():
        raise InputError("image id is unknown", expected="an id of the images", got=f"id {wanted_ids[unknown][0]}")
    return rows
