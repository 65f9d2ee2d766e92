"""What the judged people are written as, and the figures about them."""

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dataengine.boxes import box_from_keypoints, clip_boxes
from dataengine.keypoints import COCO_KEYPOINTS, UNLABELLED, VISIBLE
from dataengine.labels.joint_weights import with_joint_weights
from dataengine.people import Images, People
from dataengine.person_scale import with_joint_area

from .filters import BOTH, DISPUTED, FIRST, KEPT, NOBODY, SECOND, VERDICTS, JointVerdict, Opinion
from .persons import PERSON_REASONS

VOUCHED_BY = {
    BOTH: "both",
    FIRST: "blazepose_alone",
    SECOND: "fitted_alone",
    DISPUTED: "disputed",
    NOBODY: "nobody",
}


def as_candidates(
    people: People,
    images: Images,
    verdict: JointVerdict,
    opinions: Mapping[str, Opinion],
    dropped_for: NDArray[np.str_],
) -> People:
    """Everybody found: kept joints visible, the others unlabelled; the opinions and the reasons as extra columns.

    `dropped_for` (n,) says why a person is dropped, one of `PERSON_REASONS` or "". The opinions, in columns by their
    names, are lists of 17 (x px, y px, confidence). Each joint weighs what it is trusted; weight is 0 for a person that
    was not kept. A kept person's box is drawn around the kept joints, as a label's is; the others keep the
    one that they were looked for in.
    """
    judged = people.replace(
        keypoints_px=verdict.keypoints_px.astype(np.float32),
        visibility=np.where(verdict.reason == KEPT, VISIBLE, UNLABELLED).astype(np.uint8),
        weight=verdict.kept.astype(np.float32),
    )
    judged = with_joint_area(_boxes_redrawn(judged, images, verdict.kept))
    judged = with_joint_weights(judged, verdict.trust)
    for name, opinion in opinions.items():
        triples = np.concatenate([opinion.keypoints_px, opinion.confidence[..., None]], axis=2).round(3)
        judged = judged.with_extra(name, triples)
    judged = judged.with_extra("reasons", verdict.reason).with_extra("kept", verdict.kept)
    return judged.with_extra("dropped_for", dropped_for)


def _boxes_redrawn(people: People, images: Images, rows: NDArray[np.bool_]) -> People:
    around = box_from_keypoints(people.keypoints_px, people.visibility)
    drawn = clip_boxes(around, picture_sizes(people, images), least_px=1)
    return people.replace(bbox_xywh_px=np.where(rows[:, None], drawn, people.bbox_xywh_px).astype(np.float32))


def picture_sizes(people: People, images: Images) -> NDArray[np.int64]:
    """Width and height (n, 2) of each person's picture."""
    rows = images.rows_of(people.image_id)
    return np.stack([images.width[rows], images.height[rows]], axis=1)


def pseudo_label_metrics(images: Images, verdict: JointVerdict, dropped_for: NDArray[np.str_]) -> dict[str, Any]:
    """Who vouches for what share of all joints and of those that are learned from, and what each filter let through."""
    learned = (verdict.reason == KEPT) & verdict.kept[:, None]
    return {
        "frames": len(images),
        "people_found": len(verdict.kept),
        "people_kept": int(verdict.kept.sum()),
        "people_dropped": {reason: int((dropped_for == reason).sum()) for reason in PERSON_REASONS},
        "mean_trust": round(float(verdict.trust[learned].mean()), 4) if learned.any() else 0.0,
        "joint_share": _shares(verdict.reason, {name: name for name in VERDICTS}),
        "vouched_share": _shares(verdict.vouched_by, VOUCHED_BY),
        "learned_vouched_share": _shares(verdict.vouched_by[learned], VOUCHED_BY),
        "joint_acceptance": acceptance(verdict.reason == KEPT),
    }


def acceptance(accepted: NDArray[np.bool_]) -> dict[str, float]:
    """Share of people (n, 17) whose joint is accepted, by joint."""
    shares = accepted.mean(axis=0) if len(accepted) else np.zeros(len(COCO_KEYPOINTS))
    return {name: round(float(share), 4) for name, share in zip(COCO_KEYPOINTS, shares, strict=True)}


def _shares(values: NDArray[np.str_], names: Mapping[str, str]) -> dict[str, float]:
    """Share of each of `names` in `values`, by its name in the metrics."""
    total = max(values.size, 1)
    return {shown: round(float((values == name).sum() / total), 4) for name, shown in names.items()}
