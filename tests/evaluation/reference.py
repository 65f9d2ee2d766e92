"""pycocotools on the same arrays, and slow plain numpy: what the kernels are compared with."""

import contextlib
import io
from typing import Any

import numpy as np
from pycocotools.coco import COCO
from pycocotools.cocoeval import COCOeval

from dataengine.evaluation.ap.matching import Matches
from dataengine.evaluation.ap.poses import Detections, Truths
from dataengine.evaluation.ap.protocol import OksProtocol


def truth_records(truths: Truths, image_id: np.ndarray) -> list[dict[str, Any]]:
    return [
        {
            "id": row + 1,  # pycocotools takes id 0 for "not matched"
            "image_id": int(image_id[truths.image[row]]),
            "category_id": 1,
            "keypoints": _triplets(truths.keypoints_px[row], truths.labelled[row]),
            "num_keypoints": int(truths.labelled[row].sum()),
            "bbox": truths.box_xywh_px[row].tolist(),
            "area": float(truths.area[row]),
            "iscrowd": int(truths.crowd[row]),
        }
        for row in range(len(truths))
    ]


def result_records(detections: Detections, image_id: np.ndarray) -> list[dict[str, Any]]:
    return [
        {
            "image_id": int(image_id[detections.image[row]]),
            "category_id": 1,
            "keypoints": _triplets(detections.keypoints_px[row], np.ones(detections.keypoints_px.shape[1])),
            "score": float(detections.score[row]),
        }
        for row in range(len(detections))
    ]


class Sliced(COCOeval):
    """Ignores some people by their annotation id, and false detections in some images."""

    outside: frozenset[int] = frozenset()
    excused_images: frozenset[int] = frozenset()

    def _prepare(self) -> None:
        super()._prepare()
        for gt in self.cocoGt.anns.values():
            gt["ignore"] = gt["ignore"] or gt["id"] in self.outside
        for found in self.cocoDt.anns.values():
            if found["image_id"] in self.excused_images:
                found["area"] = 1e11  # outside of every area range


def evaluator(
    truths: list[dict[str, Any]],
    results: list[dict[str, Any]],
    image_id: np.ndarray,
    protocol: OksProtocol,
    outside: frozenset[int] = frozenset(),
    excused_images: frozenset[int] = frozenset(),
) -> COCOeval:
    """Evaluated and accumulated, by the road of a result file: `loadRes`."""
    with contextlib.redirect_stdout(io.StringIO()):
        truth = COCO()
        truth.dataset = {
            "images": [{"id": int(i)} for i in image_id],
            "categories": [{"id": 1, "name": "person"}],
            "annotations": truths,
        }
        truth.createIndex()
        found = truth.loadRes([dict(r) for r in results]) if results else _empty(truth)
        ev = Sliced(truth, found, "keypoints")
        ev.outside, ev.excused_images = outside, excused_images
        ev.params.kpt_oks_sigmas = protocol.sigmas
        ev.params.maxDets = [protocol.max_detections]
        ev.params.iouThrs = protocol.thresholds
        ev.params.areaRng = [list(bounds) for bounds in protocol.areas.values()]
        ev.params.areaRngLbl = list(protocol.areas)
        ev.evaluate()
        ev.accumulate()
    return ev


def figures(ev: COCOeval) -> dict[str, float]:
    """The figures by name, without those that nobody stands for (-1), as `COCOeval.summarize` has them."""
    out: dict[str, float] = {}
    for column, name in enumerate(ev.params.areaRngLbl):
        precision, recall = ev.eval["precision"][:, :, 0, column, 0], ev.eval["recall"][:, 0, column, 0]
        suffix = "" if name == "all" else name[0].upper()
        out |= {f"AP{suffix}": precision.mean(), f"AR{suffix}": recall.mean()}
        if name == "all":
            for label, level in (("50", 0), ("75", 5)):
                out |= {f"AP{label}": precision[level].mean(), f"AR{label}": recall[level].mean()}
    return {name: float(value) for name, value in out.items() if value >= 0}


def slow_ap(matches: Matches, weight: np.ndarray) -> float:
    """AP from whole tables: cumulative sums of true and false at every threshold, then the envelope."""
    persons = float(weight @ matches.persons)
    if persons == 0 or not len(matches.detection):
        return 0.0
    each = weight[matches.detection_image]
    present = each > 0
    true = np.cumsum(matches.is_true[:, present] * each[present], axis=1)
    false = np.cumsum(matches.is_false[:, present] * each[present], axis=1)
    precision = true / (true + false + np.spacing(1))
    envelope = np.maximum.accumulate(precision[:, ::-1], axis=1)[:, ::-1]
    read = np.zeros((len(matches.thresholds), len(matches.recall_points)))
    for row, recall in enumerate(true / persons):
        index = np.searchsorted(recall, matches.recall_points, side="left")
        reached = index < len(recall)
        read[row, reached] = envelope[row, index[reached]]
    return float(read.mean())


def _triplets(points: np.ndarray, flags: np.ndarray) -> list[float]:
    return np.column_stack([points, flags]).astype(float).ravel().tolist()


def _empty(truth: COCO) -> COCO:
    found = COCO()
    found.dataset = {"images": truth.dataset["images"], "categories": truth.dataset["categories"], "annotations": []}
    found.createIndex()
    return found
