"""Detections matched to the ground truth once; AP for any weighting of the images from sums.

A bootstrap resample is a weighting of images: two thousand cost as many cumulative sums and one matching.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dataengine.evaluation.oks import evaluated
from dataengine.people import Images, People


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


def matched(gt: People, gt_images: Images, detections: People) -> Matches:
    """Match `detections` to `gt` at every OKS threshold, as `coco_ap` does (pycocotools' `evalImgs`, all areas).

    Raises: see `coco_ap`.
    """
    evaluator = evaluated(gt, gt_images, detections)
    image_ids = np.asarray(evaluator.params.imgIds, dtype=np.int64)
    results = evaluator.evalImgs[: len(image_ids)]  # one block of images per area range; the first leaves nobody out
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
