"""The scores that are compared: functions of what a network says of people's joints, (n,) in 0..1 each.

Adding a score: a function of `Answers` and a line in `SCORES`, or in `LEARNT` if it is learnt from other people's OKS.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from dataengine.evaluation.ap.oks import person_oks
from dataengine.evaluation.ap.protocol import COCO, OksProtocol
from dataengine.inference.running.prediction import Prediction
from dataengine.people import People
from dataengine.person_scale import area_of_joints

from ...scoring.expected_oks import fitted_weights
from ...scoring.joint_curves import by_curves, learnt_curves

Scores = NDArray[np.float64]
BASE = "mean of taught joints"
PRESENT_FROM = 0.2  # the threshold of mmpose's evaluation


@dataclass(frozen=True, eq=False)
class Answers:
    """A network's answer to labelled people."""

    people: People
    prediction: Prediction
    protocol: OksProtocol = COCO
    dropout: Scores | None = None
    """(n, 17) BALD, see `inference.under_dropout`; None where nobody asked."""

    @property
    def confidence(self) -> Scores:
        """(n, t) of the taught joints."""
        return self.prediction.confidence[:, self.prediction.person_score.taught].astype(np.float64)

    @property
    def features(self) -> Scores:
        """(n, 3), see `nets.person_score`."""
        return self.prediction.score_features(self.people.bbox_xywh_px)

    @property
    def oks(self) -> Scores:
        """(n,) of the answer with the labels."""
        return person_oks(self.people, self.prediction.keypoints_px, self.protocol)


def mean_of_all(answers: Answers) -> Scores:
    """Mean confidence of all 17 joints, taught or not."""
    return answers.prediction.confidence.astype(np.float64).mean(axis=1)


def mean_of_taught(answers: Answers) -> Scores:
    """Mean confidence of the taught joints."""
    return answers.confidence.mean(axis=1)


def mean_of_present(answers: Answers) -> Scores:
    """Mean of the taught joints that seem to be there, confidence above `PRESENT_FROM`; of the surest if none is."""
    present = answers.confidence > PRESENT_FROM
    count = present.sum(axis=1)
    mean = np.where(present, answers.confidence, 0.0).sum(axis=1) / np.maximum(count, 1)
    return np.where(count > 0, mean, answers.confidence.max(axis=1))


def mean_by_presence(answers: Answers) -> Scores:
    """Mean of the taught joints weighted by their own confidence, taken for the probability that they are there.

    The idea of ProbPose (Purkrabek and Matas, CVPR 2025) without its own head for presence.
    """
    return np.asarray((answers.confidence**2).sum(axis=1) / answers.confidence.sum(axis=1))


def expected_from_spread(answers: Answers) -> Scores:
    """Expected OKS if each joint is normally distributed about its answer with the spread that the network states.

    The mean of exp(-d^2 / (2 s^2 k^2)) is then 1 / (1 + v / (s^2 k^2)), v the variance of an axis. s^2 is 0.53 of the
    predicted joints' extent.
    """
    taught = answers.prediction.person_score.taught
    flags = np.broadcast_to(2 * taught, answers.prediction.confidence.shape)
    area = area_of_joints(answers.prediction.keypoints_px, flags)[:, None]
    variance = answers.prediction.spread_px.astype(np.float64) ** 2 / 2
    falloff = area * (2 * answers.protocol.sigmas) ** 2
    return np.asarray((1 / (1 + variance / falloff))[:, taught].mean(axis=1))


def sameness_under_dropout(answers: Answers) -> Scores:
    """exp(-BALD), mean over the taught joints: 1 where nothing that is dropped changes the answer."""
    if answers.dropout is None:
        raise ValueError("the network was not asked under dropout")
    return np.exp(-answers.dropout[:, answers.prediction.person_score.taught].mean(axis=1))


def calibrated_sameness(learn: Answers, answers: Answers) -> Scores:
    """`sameness_under_dropout`, made calibrated by a logistic curve, which ranks as before unless it falls."""
    columns = [np.pad(sameness_under_dropout(each)[:, None], ((0, 0), (0, 2))) for each in (learn, answers)]
    return fitted_weights(columns[0], learn.oks).of(columns[1])


def calibrated_mean(learn: Answers, answers: Answers) -> Scores:
    """The mean of the taught joints, made a calibrated one by a logistic curve: it ranks people as before."""
    features, learn_features = answers.features.copy(), learn.features.copy()
    features[:, 1:] = learn_features[:, 1:] = 0.0
    return fitted_weights(learn_features, learn.oks).of(features)


def learnt(learn: Answers, answers: Answers) -> Scores:
    """Expected OKS from the means of confidence, spread and entropy."""
    return fitted_weights(learn.features, learn.oks).of(answers.features)


def learnt_on_curves(learn: Answers, answers: Answers) -> Scores:
    """`learnt`, from joints whose confidence is read off their isotonic curves: what a fit stores."""
    curves = learnt_curves(learn.people, learn.prediction, learn.protocol)
    return learnt(*(replace(each, prediction=by_curves(each.prediction, curves)) for each in (learn, answers)))


SCORES: Mapping[str, Callable[[Answers], Scores]] = {
    "mean of all joints": mean_of_all,
    BASE: mean_of_taught,
    "mean of joints that seem present": mean_of_present,
    "mean by presence": mean_by_presence,
    "expected from the spread": expected_from_spread,
    "sameness under dropout": sameness_under_dropout,
}
LEARNT: Mapping[str, Callable[[Answers, Answers], Scores]] = {
    "calibrated mean": calibrated_mean,
    "calibrated sameness under dropout": calibrated_sameness,
    "learnt": learnt,
    "learnt, by curves": learnt_on_curves,
}
ORACLE = "the OKS itself"
