"""Why AP is lost: errors of joints, of scores, false detections and people not found, and what each costs.

After Ronchi & Perona, "Benchmarking and Error Diagnosis in Multi-Instance Pose Estimation" (ICCV 2017). `break_down`
finds each detection's and each joint's error, and AP after fixing one class after the other, in the order of the
authors' `coco-analyze`: misses, swaps, inversions, jitters, scores, false detections, people not found. The cost of a
class is what its fixing adds once all before it are fixed. Three things differ from that program: AP is the mean over
all OKS thresholds instead of that at one, people of all sizes count, and a fixed joint has exactly the similarity that
the paper gives it (the program's formula lacks the factor 2 of k = 2 sigma). Jitter is fixed to 0.85 only, so that the
thresholds above keep some loss.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import linear_sum_assignment

from dataengine.evaluation.analysis.joint_errors import (
    GOOD,
    INVERSION,
    JITTER,
    JOINT_ERRORS,
    MISS,
    SWAP,
    JointErrors,
    joint_errors,
)
from dataengine.evaluation.ap.matching import LOCALIZED_OKS, Assignment, Pairs, average_precision, pair_up
from dataengine.evaluation.ap.poses import Detections
from dataengine.keypoints import COCO_KEYPOINTS
from dataengine.people import People

FIXED = (MISS, SWAP, INVERSION, JITTER)  # in this order
STEPS = (*(JOINT_ERRORS[code] for code in FIXED), "score", "background", "not found")

BACKGROUND, DUPLICATE, IGNORED, DROPPED = "background", "duplicate", "ignored", "dropped"
SCORE = "score"


@dataclass(frozen=True, eq=False)
class ErrorBreakdown:
    """Errors of one model's detections."""

    joints: Mapping[str, Mapping[str, int]]  # by joint: number of good, jitter, inversion, swap, miss
    labels: NDArray[np.str_]  # (d,) one word for each given detection, see `_labels`; ready to be a FiftyOne field
    misscored: NDArray[np.bool_]  # (d,) stands for a person that a detection with a lower score fits better
    not_found: NDArray[np.bool_]  # (n,) given people whom no detection stands for
    ap: float
    ap_after: Mapping[str, float]  # by `STEPS`: AP with this class and all before it fixed

    @property
    def cost(self) -> dict[str, float]:
        """AP that each class takes, once those before it are fixed."""
        before = [self.ap, *self.ap_after.values()]
        return {name: after - was for was, (name, after) in zip(before, self.ap_after.items(), strict=False)}


def break_down(pairs: Pairs) -> ErrorBreakdown:
    """Diagnose the detections of `pairs`."""
    assigned = pairs.assign(LOCALIZED_OKS)
    row_of = np.argsort(pairs.truth_row)  # of given people among those of `pairs`
    person = np.where((assigned.person >= 0) & ~assigned.is_ignored, row_of[assigned.person], -1)
    errors = joint_errors(pairs, person)
    misscored, duplicate = _rivals(pairs, person)
    labels, flags = np.full(pairs.given, DROPPED, dtype="<U10"), np.zeros(pairs.given, dtype=bool)
    labels[assigned.detection] = _labels(assigned, errors.kind, misscored, duplicate)
    flags[assigned.detection] = misscored
    missing = ~pairs.truths.ignored
    missing[person[person >= 0]] = False
    not_found = np.empty_like(missing)
    not_found[pairs.truth_row] = missing
    return ErrorBreakdown(
        joints={
            name: {error: int(np.count_nonzero(column == code)) for code, error in enumerate(JOINT_ERRORS)}
            for name, column in zip(COCO_KEYPOINTS, errors.kind.T, strict=True)
        },
        labels=labels,
        misscored=flags,
        not_found=not_found,
        ap=average_precision(pairs.match()),
        ap_after=_ap_after_fixing(pairs, errors),
    )


def with_errors(detections: People, breakdown: ErrorBreakdown) -> People:
    """`detections`, or others in the same order, with extra columns `error` (a word, see `_labels`) and `misscored`.

    `coco_json.write_people` writes them as keys of each annotation, and FiftyOne's COCO importer reads such keys as
    fields of the labels (`extra_attrs=True`): one can filter the App by them.
    """
    return detections.with_extra("error", breakdown.labels).with_extra("misscored", breakdown.misscored)


def _labels(
    assigned: Assignment, kind: NDArray[np.int8], misscored: NDArray[np.bool_], duplicate: NDArray[np.bool_]
) -> NDArray[np.str_]:
    """The word for each detection (d,).

    "background": it stands for nobody; "duplicate": for somebody who has a detection of higher score; "ignored": for an
    ignored person. Otherwise its most frequent joint error, the graver one of equals; otherwise "score" if only that is
    wrong, or "good". ("dropped": beyond the number of detections that count per image.)
    """
    counts = np.column_stack([np.count_nonzero(kind == code, axis=1) for code in FIXED])
    names = np.array([JOINT_ERRORS[code] for code in FIXED])
    at_best = np.where(misscored, SCORE, JOINT_ERRORS[GOOD])
    labels = np.where(counts.any(axis=1), names[counts.argmax(axis=1)], at_best)
    labels = np.where(assigned.person < 0, np.where(duplicate, DUPLICATE, BACKGROUND), labels)
    return np.where(assigned.is_ignored, IGNORED, labels)


def _rivals(pairs: Pairs, person: NDArray[np.int64]) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """Detections (d,) whose person an unassigned one fits better, and unassigned ones that fit an assigned person."""
    misscored, duplicate = np.zeros(len(person), dtype=bool), np.zeros(len(person), dtype=bool)
    for image in np.unique(pairs.detections.image[person < 0]):
        table = _table(pairs, image)
        rows = np.arange(pairs.detection_start[image], pairs.detection_start[image + 1])
        column = person[rows] - pairs.truth_start[image]
        has, free = np.flatnonzero(person[rows] >= 0), np.flatnonzero(person[rows] < 0)
        if len(has):
            rival = table[np.ix_(free, column[has])]
            misscored[rows[has]] = rival.max(axis=0) > table[has, column[has]]
            duplicate[rows[free]] = rival.max(axis=1) >= LOCALIZED_OKS
    return misscored, duplicate


def _ap_after_fixing(pairs: Pairs, errors: JointErrors) -> dict[str, float]:
    """AP by `STEPS`, each on top of those before it."""
    after = {}
    points = pairs.detections.keypoints_px
    for code in FIXED:
        points = np.where((errors.kind == code)[:, :, None], errors.corrected_px, points)
        fixed = _with(pairs, replace(pairs.detections, keypoints_px=points))
        after[JOINT_ERRORS[code]] = average_precision(fixed.match())
    scored = _with(fixed, replace(fixed.detections, score=_best_scores(fixed)))
    matches = scored.match()
    after[SCORE] = average_precision(matches)
    # False at the lowest threshold: a detection of nobody, not one of a badly placed person.
    background = matches.is_false[0]
    after[BACKGROUND] = average_precision(replace(matches, is_false=matches.is_false & ~background))
    found = np.zeros(len(pairs.truths), dtype=bool)
    found[matches.person[0, matches.person[0] >= 0]] = True
    among_found = scored.match(people=found)
    after[STEPS[-1]] = average_precision(replace(among_found, is_false=among_found.is_false & ~background))
    return after


def _with(pairs: Pairs, detections: Detections) -> Pairs:
    """The same people with other detections; row i of both stays the same detection and person of `pairs`."""
    return pair_up(pairs.truths, detections, pairs.image_id, pairs.protocol)


def _best_scores(pairs: Pairs) -> NDArray[np.float64]:
    """Scores (d,) that rank best: the OKS of the assignment with the greatest sum of OKS, 0 for unassigned detections.

    (Ronchi & Perona, sect. 3.3.) A detection of an ignored person scores like one of nobody.
    """
    scores = np.zeros(len(pairs.detections))
    both = (np.diff(pairs.detection_start) > 0) & (np.diff(pairs.truth_start) > 0)
    for image in np.flatnonzero(both).tolist():
        counts = ~pairs.truths.ignored[pairs.truth_start[image] : pairs.truth_start[image + 1]]
        table = _table(pairs, image)[:, counts]
        rows, columns = linear_sum_assignment(table, maximize=True)
        scores[pairs.detection_start[image] + rows] = table[rows, columns]
    return scores


def _table(pairs: Pairs, image: int) -> NDArray[np.float64]:
    """OKS (detections, people) of one image."""
    people = pairs.truth_start[image + 1] - pairs.truth_start[image]
    return pairs.oks[pairs.pair_start[image] : pairs.pair_start[image + 1]].reshape(-1, people)
