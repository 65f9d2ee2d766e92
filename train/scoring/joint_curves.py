"""Learn what a network's confidence in a joint is worth: the share of validation joints that were found at it.

Isotonic regression (Zadrozny and Elkan, KDD 2002) gives blocks of equal share. A curve goes through the blocks' middles
(centred isotonic regression; Oron and Flournoy, Statistics in Biopharmaceutical Research 2017) and on to the ends
of 0..1, where it rises by a block's standard error, so that no two confidences become one.
"""

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from dataengine.evaluation.analysis.joint_errors import MISSED_BELOW
from dataengine.evaluation.ap.oks_formula import joint_similarities
from dataengine.evaluation.ap.protocol import COCO, OksProtocol
from dataengine.inference.running.prediction import Prediction
from dataengine.keypoints import COCO_KEYPOINTS, UNLABELLED
from dataengine.nets.joint_confidence import ConfidenceCurve, JointCurves
from dataengine.people import People
from dataengine.person_scale import person_area

LEAST_LABELS = 300
"""Labelled joints in all; with fewer the network's own confidence stays."""
LEAST_OF_A_JOINT = 100
"""Labels of a joint; with fewer it takes the curve of all joints together."""
Floats = NDArray[np.floating]


def learnt_curves(people: People, prediction: Prediction, protocol: OksProtocol = COCO) -> JointCurves | None:
    """The curves that make the confidence of `prediction`, an answer to labelled `people` row by row, a share.

    A joint counts as found where its similarity with the label is `MISSED_BELOW` or more. None for too few labels.
    """
    labelled = (people.visibility > UNLABELLED) & prediction.person_score.taught
    if labelled.sum() < LEAST_LABELS:
        return None
    found = joints_found(people, prediction, protocol)
    own = np.flatnonzero(labelled.sum(axis=0) >= LEAST_OF_A_JOINT)
    return JointCurves(
        pooled=isotonic_curve(prediction.confidence[labelled], found[labelled]),
        joints={
            COCO_KEYPOINTS[joint]: isotonic_curve(
                prediction.confidence[labelled[:, joint], joint], found[labelled[:, joint], joint]
            )
            for joint in own.tolist()
        },
    )


def by_curves(prediction: Prediction, curves: JointCurves | None) -> Prediction:
    """The same answer with its confidence read off `curves`; None leaves it."""
    if curves is None:
        return prediction
    return replace(prediction, confidence=curves.of(prediction.confidence, COCO_KEYPOINTS))


def joints_found(people: People, prediction: Prediction, protocol: OksProtocol = COCO) -> NDArray[np.bool_]:
    """Which joints (n, 17) lie near those of `people`, labelled or not."""
    similarity = joint_similarities(prediction.keypoints_px, people.keypoints_px, person_area(people), protocol.sigmas)
    return np.asarray(similarity >= MISSED_BELOW)


def isotonic_curve(stated: Floats, found: NDArray[np.bool_]) -> ConfidenceCurve:
    """The rising curve from `stated` (m,) in 0..1 to the share of `found` (m,); m is 1 or more."""
    from sklearn.isotonic import IsotonicRegression  # takes a second to import

    x, y = np.clip(stated.astype(np.float64), 0, 1), found.astype(np.float64)
    block = np.unique(IsotonicRegression().fit_transform(x, y).round(12), return_inverse=True)[1]
    count = np.bincount(block)
    middle, share = np.bincount(block, weights=x) / count, np.bincount(block, weights=y) / count
    edge = 1 / (len(x) + 2)  # nothing is certain, least of all from few joints
    share = np.clip(share, edge, 1 - edge)
    error = np.sqrt(share * (1 - share) / count)
    ends = [(0.0, max(share[0] - error[0], share[0] / 2)), (1.0, min(share[-1] + error[-1], (1 + share[-1]) / 2))]
    knots = dict(ends) | dict(zip(middle.tolist(), share.tolist(), strict=True))  # a block at an end is the end
    stated_at = sorted(knots)
    return ConfidenceCurve(tuple(stated_at), tuple(float(knots[at]) for at in stated_at))
