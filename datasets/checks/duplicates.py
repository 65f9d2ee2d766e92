"""The same picture or the same person more than once.

Identical records are merged and counted: image files that are the same byte for byte, or the same joints, flags and box
in one image. Nearly identical people are only suspect, for two people may stand close together.
"""

import numpy as np
from numpy.typing import NDArray

from dataengine.boxes import box_iou
from dataengine.evaluation.ap.oks import person_oks
from dataengine.evaluation.ap.protocol import COCO, OksProtocol
from dataengine.keypoints import UNLABELLED
from dataengine.people import Images, People
from dataengine.person_scale import person_area

from .person_boxes import Fault

LEAST_SHARED_JOINTS = 5  # OKS over fewer says little; then the boxes are compared


def identical_images(sha256: NDArray[np.str_], images: Images) -> NDArray[np.int64]:
    """(m,) for each image the first row with the same bytes, its own row where there is none before it.

    Frames of a video are left alone: a still scene may give the same picture at two times.
    """
    keys = np.array(
        [
            f"{sha}" if not video else f"{video}#{row}"
            for row, (sha, video) in enumerate(zip(sha256, images.video, strict=True))
        ],
        dtype=str,
    )
    _, first, which = np.unique(keys, return_index=True, return_inverse=True)
    return np.asarray(first[which], dtype=np.int64)


def identical_people(people: People) -> NDArray[np.int64]:
    """(n,) for each person the first row with the same image, track, box, flags and labelled joints."""
    if not len(people):
        return np.empty(0, dtype=np.int64)
    points = np.where((people.visibility > UNLABELLED)[..., None], people.keypoints_px, 0)
    flat_points = points.reshape(len(people), -1)
    ids = people.image_id[:, None], people.track_id[:, None]
    columns = [np.asarray(c, dtype=np.float64) for c in (*ids, people.bbox_xywh_px, people.visibility, flat_points)]
    _, first, which = np.unique(np.concatenate(columns, axis=1), axis=0, return_index=True, return_inverse=True)
    return np.asarray(first[which.ravel()], dtype=np.int64)


def same_person_twice(people: People, *, oks: float, iou: float, protocol: OksProtocol = COCO) -> list[Fault]:
    """The later of two annotations of one image that agree by OKS, or by boxes where few joints are shared."""
    first, second = _pairs_in_an_image(people.image_id)
    shared = ((people.visibility[first] > UNLABELLED) & (people.visibility[second] > UNLABELLED)).sum(axis=1)
    boxes = people.bbox_xywh_px.astype(np.float64)
    oks_excess = pair_oks(people, first, second, protocol) - oks
    iou_excess = box_iou(boxes[first], boxes[second]) - iou
    agreement = np.where(shared >= LEAST_SHARED_JOINTS, oks_excess, iou_excess)
    faults = [
        Fault(int(b), f"nearly the same as annotation {_name(people, a)} of this image", float(excess))
        for a, b, excess in zip(first, second, agreement, strict=True)
        if excess > 0
    ]
    return list({fault.row: fault for fault in sorted(faults, key=lambda fault: fault.score)}.values())


def pair_oks(
    people: People, first: NDArray[np.int64], second: NDArray[np.int64], protocol: OksProtocol = COCO
) -> NDArray[np.float64]:
    """OKS (k,) of the people in rows `first` with those in rows `second`, over joints that both have labelled.

    The scale squared is the mean of the two areas.
    """
    area = person_area(people)
    shared = np.minimum(people.visibility[first], people.visibility[second])
    pair = people.take(first).replace(visibility=shared, extras={"area": (area[first] + area[second]) / 2})
    return person_oks(pair, people.keypoints_px[second], protocol)


def _pairs_in_an_image(image_id: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """All pairs of rows (first < second) with the same image."""
    order = np.argsort(image_id, kind="stable")
    starts = np.flatnonzero(np.r_[True, np.diff(image_id[order]) != 0]) if len(order) else np.empty(0, dtype=int)
    first, second = [np.empty(0, dtype=np.int64)], [np.empty(0, dtype=np.int64)]
    for rows in np.split(order, starts[1:]):
        a, b = np.triu_indices(len(rows), 1)
        first.append(rows[a])
        second.append(rows[b])
    return np.concatenate(first), np.concatenate(second)


def _name(people: People, row: int) -> str:
    return str(people.extras["source_id"][row]) if "source_id" in people.extras else str(row + 1)
