"""OKS average precision as COCO defines it, computed by pycocotools.

`coco_ap` gives the ten COCO keypoint figures; `person_oks` the similarity of one person with one prediction.
`matching.py` keeps the terms that AP is a sum of, for bootstrap intervals.
"""

import contextlib
import io
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pycocotools.coco import COCO
from pycocotools.cocoeval import COCOeval

from dataengine.coco_json import PERSON_CATEGORY
from dataengine.errors import InputError
from dataengine.keypoints import COCO_SIGMAS
from dataengine.people import Images, People

FIGURES = ("AP", "AP50", "AP75", "APM", "APL", "AR", "AR50", "AR75", "ARM", "ARL")  # order of COCOeval.stats


def coco_ap(gt: People, gt_images: Images, detections: People) -> dict[str, float]:
    """COCO keypoint AP and AR (`FIGURES`) of `detections` against `gt`, each in 0..1.

    Joints with visibility 0 do not count. A person's scale is column `area` of `gt.extras` where there is one (COCO:
    the segmentation's area), else the area of the box. Persons with `iscrowd` or without a labelled joint are ignored.
    Figures of sizes that no person in `gt` has (APM, APL) are left out. Equal scores keep their order in `detections`.

    Raises:
        InputError: there is no person to find, or a detection stands in an unknown image.
    """
    evaluator = evaluated(gt, gt_images, detections)
    with silenced():
        evaluator.accumulate()
        evaluator.summarize()
    return {name: float(value) for name, value in zip(FIGURES, evaluator.stats, strict=True) if value >= 0}


def person_oks(gt: People, keypoints_px: NDArray[np.floating[Any]]) -> NDArray[np.float64]:
    """OKS (n,) of each person with the prediction in the same row of `keypoints_px` (n, 17, 2), image px.

    mean over labelled joints of exp(-d^2 / (2 s^2 k^2)), k = 2 sigma, s^2 = `person_area`
    (https://cocodataset.org/#keypoints-eval). 0 for a person without a labelled joint.
    """
    squared = ((np.asarray(keypoints_px, dtype=np.float64) - gt.keypoints_px) ** 2).sum(axis=2)
    exponent = squared / (2 * COCO_SIGMAS) ** 2 / (person_area(gt)[:, None] + np.spacing(1)) / 2
    labelled = gt.visibility > 0
    return (np.exp(-exponent) * labelled).sum(axis=1) / np.maximum(labelled.sum(axis=1), 1)


def evaluated(gt: People, gt_images: Images, detections: People) -> COCOeval:
    """A pycocotools evaluation of the whole set, matched but not yet summed. Raises: see `coco_ap`."""
    if not len(gt):
        raise InputError("there is nobody to evaluate on", expected="at least one labelled person", got="0")
    gt_images.rows_of(gt.image_id)
    gt_images.rows_of(detections.image_id)
    with silenced():
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


def silenced() -> contextlib.AbstractContextManager[Any]:
    """pycocotools prints timings and tables; no stage wants them."""
    return contextlib.redirect_stdout(io.StringIO())
