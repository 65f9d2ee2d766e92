"""OKS average precision and recall as COCO defines them; equal to pycocotools, which the tests compare with.

`figures` sums up any `Pairs`; `coco_ap` gives the ten COCO keypoint figures of `People`, `joint_ap` those of one joint
at a time; `person_oks` is the similarity of one person with one prediction.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from dataengine.evaluation.ap.matching import Matches, Pairs, pair_up, paired, precision_table, recall_reached
from dataengine.evaluation.ap.oks_formula import joint_similarities, mean_similarity
from dataengine.evaluation.ap.poses import Detections, Truths, detections_of, truths_of
from dataengine.evaluation.ap.protocol import COCO, EVERY_SIZE, OksProtocol
from dataengine.keypoints import COCO_KEYPOINTS, UNLABELLED
from dataengine.people import Images, People
from dataengine.person_scale import person_area

FIGURES = ("AP", "AP50", "AP75", "APM", "APL", "AR", "AR50", "AR75", "ARM", "ARL")  # order of COCOeval.stats
SINGLE = {"50": 0.5, "75": 0.75}  # thresholds with a figure of their own


def coco_ap(gt: People, gt_images: Images, detections: People, protocol: OksProtocol = COCO) -> dict[str, float]:
    """COCO keypoint AP and AR (`FIGURES`) of `detections` against `gt`, each in 0..1.

    Joints with visibility 0 do not count. A person's scale is that of `person_scale`: column `area` of `gt.extras`
    where there is one (COCO: the segmentation's area), else 0.53 of the box. Persons with `iscrowd` or without a
    labelled joint are ignored. Figures of sizes that no person in `gt` has (APM, APL) are left out. Equal scores keep
    their order in `detections`.

    Raises:
        InputError: nobody is labelled, or a detection is in an unknown image.
    """
    return figures(paired(gt, gt_images, detections, protocol))


def figures(pairs: Pairs) -> dict[str, float]:
    """AP and AR over all thresholds, at 0.5 and 0.75, and in each area range of the protocol (APM for medium).

    Figures of a range that holds nobody are left out.
    """
    precision: dict[str, float] = {}
    recall: dict[str, float] = {}
    for name in pairs.protocol.areas:
        matches = pairs.match_area(name)
        if not matches.persons.any():
            continue
        at = {"": slice(None)} | (_singles(matches) if name == EVERY_SIZE else {})
        table, reached = precision_table(matches), recall_reached(matches)
        for suffix, rows in at.items():
            suffix = suffix if name == EVERY_SIZE else name[0].upper()
            precision[f"AP{suffix}"] = float(table[rows].mean())
            recall[f"AR{suffix}"] = float(reached[rows].mean())
    return precision | recall


def joint_ap(gt: People, gt_images: Images, detections: People, protocol: OksProtocol = COCO) -> dict[str, float]:
    """AP of each joint by name as if it were the only one labelled; people who lack it are ignored.

    The same as pycocotools on a file in which every other joint has v = 0. Joints that nobody has are left out. One
    joint says less than a pose: its AP is not a part of the whole AP and can only be compared between models.
    Raises: see `coco_ap`.
    """
    truths, image_id = truths_of(gt, gt_images)
    found = detections_of(detections, gt_images, image_id)
    each = joint_precision(truths, found, image_id, protocol)
    return {name: value for name, value in zip(COCO_KEYPOINTS, each, strict=True) if not np.isnan(value)}


def joint_precision(
    truths: Truths, detections: Detections, image_id: NDArray[np.int64], protocol: OksProtocol = COCO
) -> list[float]:
    """AP of each joint (j) alone; NaN for joints that nobody has. See `joint_ap`."""
    values = []
    for joint in range(protocol.joints):
        matches = pair_up(truths.only_joint(joint), detections, image_id, protocol).match_area(EVERY_SIZE)
        values.append(float(precision_table(matches).mean()) if matches.persons.any() else float("nan"))
    return values


def person_oks(
    gt: People, keypoints_px: NDArray[np.floating[Any]], protocol: OksProtocol = COCO
) -> NDArray[np.float64]:
    """OKS (n,) of each person with the prediction in the same row of `keypoints_px` (n, 17, 2), image px.

    0 for a person without a labelled joint.
    """
    return mean_similarity(joint_similarity(gt, keypoints_px, protocol), gt.visibility > UNLABELLED)


def joint_similarity(
    gt: People, keypoints_px: NDArray[np.floating[Any]], protocol: OksProtocol = COCO
) -> NDArray[np.float64]:
    """Similarity (n, 17) of each joint with the prediction in the same row, whether or not it is labelled."""
    return joint_similarities(keypoints_px, gt.keypoints_px, person_area(gt), protocol.sigmas)


def _singles(matches: Matches) -> dict[str, Any]:
    return {name: np.isclose(matches.thresholds, value) for name, value in SINGLE.items()}
