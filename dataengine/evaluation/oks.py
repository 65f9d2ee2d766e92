"""OKS average precision as COCO defines it, computed by pycocotools.

`coco_ap` gives the ten COCO keypoint figures. `matched` gives what they are sums of: which detection matched at
which threshold in which image, so that a reweighting of images (a bootstrap resample) costs only the sums.
"""

import contextlib
import io
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pycocotools.coco import COCO
from pycocotools.cocoeval import COCOeval

from dataengine.coco_json import PERSON_CATEGORY
from dataengine.errors import InputError
from dataengine.people import Images, People

FIGURES = ("AP", "AP50", "AP75", "APM", "APL", "AR", "AR50", "AR75", "ARM", "ARL")  # order of COCOeval.stats
ALL_AREAS = 0  # index of the area range that leaves nobody out


@dataclass(frozen=True, eq=False, kw_only=True)
class Matches:
    """Detections of a whole set matched to its ground truth: the terms of AP, before any sum.

    Detections stand in falling order of score, d of them; t OKS thresholds; m images.
    """

    thresholds: NDArray[np.float64]  # (t,) OKS
    recall_points: NDArray[np.float64]  # (101,) where precision is read
    image_id: NDArray[np.int64]  # (m,)
    persons: NDArray[np.int64]  # (m,) ground truth persons that count
    detection_image: NDArray[np.int64]  # (d,) row of `image_id`
    is_true: NDArray[np.bool_]  # (t, d) matched to a person that counts
    is_false: NDArray[np.bool_]  # (t, d) matched to nobody; neither true nor false where an ignored person was hit


def coco_ap(gt: People, gt_images: Images, detections: People) -> dict[str, float]:
    """COCO keypoint AP and AR (`FIGURES`) of `detections` against `gt`, each in 0..1.

    Joints with visibility 0 do not count. A person's scale is column `area` of `gt.extras` where there is one (COCO:
    the segmentation's area), else the area of the box. Persons with `iscrowd` or without a labelled joint are ignored.
    Figures of sizes that no person in `gt` has (APM, APL) are left out. Equal scores keep their order in `detections`.

    Raises:
        InputError: there is no person to find, or a detection stands in an unknown image.
    """
    evaluator = _evaluated(gt, gt_images, detections)
    with _silenced():
        evaluator.accumulate()
        evaluator.summarize()
    return {name: float(value) for name, value in zip(FIGURES, evaluator.stats, strict=True) if value >= 0}


def matched(gt: People, gt_images: Images, detections: People) -> Matches:
    """Match `detections` to `gt` at every OKS threshold, as `coco_ap` does (pycocotools' `evalImgs`, all areas).

    Raises: see `coco_ap`.
    """
    evaluator = _evaluated(gt, gt_images, detections)
    image_ids = np.asarray(evaluator.params.imgIds, dtype=np.int64)
    results = evaluator.evalImgs[ALL_AREAS * len(image_ids) : (ALL_AREAS + 1) * len(image_ids)]
    thresholds = np.asarray(evaluator.params.iouThrs, dtype=np.float64)
    found = [(row, result) for row, result in enumerate(results) if result is not None]
    scores = np.concatenate([np.asarray(result["dtScores"], dtype=np.float64) for _, result in found])
    order = np.argsort(-scores, kind="mergesort")
    hit = np.concatenate([result["dtMatches"] for _, result in found], axis=1)[:, order] > 0
    ignored = np.concatenate([result["dtIgnore"] for _, result in found], axis=1)[:, order].astype(bool)
    persons = np.zeros(len(image_ids), dtype=np.int64)
    for row, result in found:
        persons[row] = np.count_nonzero(np.asarray(result["gtIgnore"]) == 0)
    return Matches(
        thresholds=thresholds,
        recall_points=np.asarray(evaluator.params.recThrs, dtype=np.float64),
        image_id=image_ids,
        persons=persons,
        detection_image=np.repeat([row for row, _ in found], [len(r["dtScores"]) for _, r in found])[order],
        is_true=hit & ~ignored,
        is_false=~hit & ~ignored,
    )


def average_precision(matches: Matches, image_weight: NDArray[np.floating[Any]] | None = None) -> float:
    """AP over all thresholds when each image counts `image_weight` (m,) times; by default once.

    With whole weights the value is pycocotools' on the set in which each image is repeated that often: a detection's
    copies are neighbours in the score order, and only the last of them sets the envelope. (Where two detections of one
    image have the same score, their order among the copies is a convention.) 0 where every weighted image is empty.
    """
    weight = np.ones(len(matches.image_id)) if image_weight is None else np.asarray(image_weight, dtype=np.float64)
    persons = float(weight @ matches.persons)
    if persons == 0 or not len(matches.detection_image):
        return 0.0
    detection_weight = weight[matches.detection_image]
    present = detection_weight > 0
    detection_weight = detection_weight[present]
    true = np.cumsum(matches.is_true[:, present] * detection_weight, axis=1)
    false = np.cumsum(matches.is_false[:, present] * detection_weight, axis=1)
    precision = true / (true + false + np.spacing(1))
    envelope = np.maximum.accumulate(precision[:, ::-1], axis=1)[:, ::-1]
    read = np.zeros((len(matches.thresholds), len(matches.recall_points)))
    for row, recall in enumerate(true / persons):
        index = np.searchsorted(recall, matches.recall_points, side="left")
        reached = index < len(recall)
        read[row, reached] = envelope[row, index[reached]]
    return float(read.mean())


def _evaluated(gt: People, gt_images: Images, detections: People) -> COCOeval:
    if not len(gt):
        raise InputError("there is nobody to evaluate on", expected="at least one labelled person", got="0")
    gt_images.rows_of(gt.image_id)
    gt_images.rows_of(detections.image_id)
    with _silenced():
        truth = _coco(gt_images, _truth_records(gt))
        found = _coco(gt_images, _detection_records(detections))
        evaluator = COCOeval(truth, found, "keypoints")
        evaluator.evaluate()
    return evaluator


def _coco(images: Images, annotations: list[dict[str, Any]]) -> COCO:
    coco = COCO()
    coco.dataset = {
        "images": [{"id": int(image_id)} for image_id in images.id],
        "categories": [PERSON_CATEGORY],
        "annotations": annotations,
    }
    coco.createIndex()
    return coco


def _truth_records(gt: People) -> list[dict[str, Any]]:
    crowd = gt.extras.get("iscrowd", np.zeros(len(gt), dtype=np.int64))
    area = person_area(gt)
    return [
        {
            **_record(gt, row),
            "bbox": gt.bbox_xywh_px[row].astype(float).tolist(),
            "area": float(area[row]),
            "num_keypoints": int(np.count_nonzero(gt.visibility[row])),
            "iscrowd": int(crowd[row] or 0),
        }
        for row in range(len(gt))
    ]


def _detection_records(detections: People) -> list[dict[str, Any]]:
    """As `COCO.loadRes` makes them: a detection's area is the extent of its keypoints."""
    extent = np.ptp(detections.keypoints_px.astype(np.float64), axis=1).prod(axis=1)
    return [
        {**_record(detections, row), "score": float(detections.score[row]), "area": float(extent[row])}
        for row in range(len(detections))
    ]


def _record(people: People, row: int) -> dict[str, Any]:
    triplets = np.column_stack([people.keypoints_px[row].astype(np.float64), people.visibility[row]])
    return {
        "id": row + 1,  # pycocotools takes id 0 for "not matched"
        "image_id": int(people.image_id[row]),
        "category_id": PERSON_CATEGORY["id"],
        "keypoints": triplets.ravel().tolist(),
    }


def person_area(gt: People) -> NDArray[np.float64]:
    """Each person's scale squared (n,), px^2: extra column `area`, or the box's where that is missing."""
    box = gt.bbox_xywh_px[:, 2:].astype(np.float64).prod(axis=1)
    given = gt.extras.get("area")
    if given is None:
        return box
    return np.array([box[row] if value is None else float(value) for row, value in enumerate(given)], dtype=np.float64)


def _silenced() -> contextlib.AbstractContextManager[Any]:
    """pycocotools prints timings and tables; no stage wants them."""
    return contextlib.redirect_stdout(io.StringIO())
