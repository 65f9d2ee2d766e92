"""Calibration: whether confidence predicts how good a pose is, and whether a joint is found.

A detection's confidence predicts the OKS that it will have (Gu et al., "On the Calibration of Human Pose Estimation",
ICML 2024: ranking by expected OKS is what AP rewards); a joint's the probability that it is found. Both are binned by
confidence: the gap between mean confidence and mean outcome, weighted by the bins' counts, is the expected calibration
error (Naeini et al., AAAI 2015; Guo et al., ICML 2017).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from dataengine.errors import InputError
from dataengine.evaluation.analysis.joint_errors import MISSED_BELOW
from dataengine.evaluation.ap.matching import LOCALIZED_OKS, Pairs
from dataengine.evaluation.ap.oks_formula import joint_similarities
from dataengine.keypoints import COCO_KEYPOINTS

BINS = 10


@dataclass(frozen=True, eq=False)
class Reliability:
    """A reliability diagram of b bins of equal width over 0..1. Means of empty bins are NaN."""

    edges: NDArray[np.float64]  # (b + 1,)
    count: NDArray[np.int64]  # (b,)
    confidence: NDArray[np.float64]  # (b,) mean
    outcome: NDArray[np.float64]  # (b,) mean
    ece: float  # expected calibration error, 0..1; NaN without any sample


@dataclass(frozen=True, eq=False)
class Calibration:
    """Confidence against outcome."""

    pose: Reliability  # detections: score against OKS
    joint: Reliability | None  # all labelled joints together: confidence against being found; None without confidences
    joints: Mapping[str, Reliability]  # each joint by name, if anybody has it labelled


def reliability(
    confidence: NDArray[np.floating], outcome: NDArray[np.floating] | NDArray[np.bool_], bins: int = BINS
) -> Reliability:
    """Bin `confidence` (k,) in 0..1 and compare with `outcome` (k,) in 0..1.

    Bins include their lower edge, the last one its upper edge, too.

    Raises:
        InputError: a confidence is outside of 0..1 or not a number.

    >>> sure_of_90_percent, right_in_half = np.full(4, 0.9), np.array([True, False, True, False])
    >>> round(reliability(sure_of_90_percent, right_in_half).ece, 3)
    0.4
    """
    if not ((confidence >= 0) & (confidence <= 1)).all():
        bad = confidence[~((confidence >= 0) & (confidence <= 1))][0]
        raise InputError(
            "confidence outside 0..1", expected="a probability", got=f"{bad:g}", fix="calibrate the scores"
        )
    at = np.minimum((confidence.astype(np.float64) * bins).astype(np.int64), bins - 1)
    count = np.bincount(at, minlength=bins)
    divisor = np.where(count > 0, count, np.nan)
    means = [np.bincount(at, weights=v, minlength=bins) / divisor for v in (confidence, outcome)]
    gap = np.nansum(np.abs(means[0] - means[1]) * count)
    ece = float(gap / count.sum()) if count.any() else float("nan")
    return Reliability(np.linspace(0, 1, bins + 1), count, means[0], means[1], ece)


def calibration(
    pairs: Pairs,
    joint_confidence: NDArray[np.floating] | None = None,
    *,
    names: Sequence[str] = COCO_KEYPOINTS,
    bins: int = BINS,
) -> Calibration:
    """Reliability of the scores of the detections in `pairs`, and of their joints.

    A detection's outcome is its OKS with the person it is assigned to (best score first, as in AP; 0 for a false
    detection); those of ignored people are left out. A joint's outcome is whether its similarity with that person's is
    `MISSED_BELOW` or more; joints that are not labelled, and false detections, which have no true place for a
    joint, are left out.

    Args:
        pairs: People and detections.
        joint_confidence: (d, j) in the order of the detections given to `pair_up`.
        names: Names of the joints.
        bins: Number of bins of each diagram.

    Raises:
        InputError: a confidence is outside of 0..1, or `joint_confidence` does not fit.
    """
    given = pairs.assign(LOCALIZED_OKS)
    counts = ~given.is_ignored
    pose = reliability(pairs.detections.score[counts], given.oks[counts], bins)
    if joint_confidence is None:
        return Calibration(pose, None, {})
    if joint_confidence.ndim != 2 or joint_confidence.shape[1] != len(names):
        got = str(joint_confidence.shape)
        raise InputError("joint confidences do not fit", expected=f"(detections, {len(names)})", got=got)
    similarity, labelled = assigned_similarity(pairs)
    labelled = labelled & counts[:, None]
    sure = joint_confidence[given.detection]
    found = similarity >= MISSED_BELOW
    joints = {
        name: reliability(sure[has, joint], found[has, joint], bins)
        for joint, (name, has) in enumerate(zip(names, labelled.T, strict=True))
        if has.any()
    }
    return Calibration(pose, reliability(sure[labelled], found[labelled], bins), joints)


def assigned_similarity(pairs: Pairs) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    """Similarity (d, j) of each joint with that of the person assigned at `LOCALIZED_OKS`, and whether it is labelled.

    Rows as in `Pairs.assign`. A false detection has no labelled joint.
    """
    person = pairs.assign(LOCALIZED_OKS).person
    row = np.empty(len(pairs.truths), dtype=np.int64)
    row[pairs.truth_row] = np.arange(len(row))
    at = np.where(person >= 0, row[person], 0)
    truths = pairs.truths
    similarity = joint_similarities(
        pairs.detections.keypoints_px, truths.keypoints_px[at], truths.area[at], pairs.protocol.sigmas
    )
    return similarity, truths.labelled[at] & (person >= 0)[:, None]
