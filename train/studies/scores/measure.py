"""What each score is worth on labelled people: AP with its gain over the plain mean, and calibration.

`joint_figures` says the same of the confidence in each joint, as the network states it and by learnt curves.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from dataengine.evaluation.analysis.bootstrap import paired_intervals
from dataengine.evaluation.analysis.calibration import reliability, score_reliability
from dataengine.evaluation.analysis.interval import Interval
from dataengine.evaluation.ap.matching import Pairs, average_precision, paired
from dataengine.keypoints import UNLABELLED
from dataengine.nets.joint_confidence import JointCurves
from dataengine.people import Images

from ...scoring.joint_curves import by_curves, joints_found, learnt_curves
from .rules import BASE, LEARNT, ORACLE, SCORES, Answers, Scores

RESAMPLES, LEVEL = 2000, 0.95


@dataclass(frozen=True)
class ScoreFigures:
    """One score on one set."""

    name: str
    ap: float
    gain: Interval
    """In AP over `BASE`, the same images resampled for both."""
    ece: float
    """Expected calibration error of the score against the OKS."""


def score_figures(learn: Answers, test: Answers, images: Images, *, seed: int) -> Iterator[ScoreFigures]:
    """Every score on `test`, which stands in `images`; those that are learnt learn on `learn`."""
    scores = {name: rule(test) for name, rule in SCORES.items()}
    scores |= {name: rule(learn, test) for name, rule in LEARNT.items()} | {ORACLE: test.oks}
    base = _pairs(test, images, scores[BASE])
    clusters = np.arange(len(base.image_id))
    for name, score in scores.items():
        pairs = _pairs(test, images, score)
        both = pairs.match(), base.match()
        rng = np.random.default_rng(seed)
        gain = paired_intervals(*both, clusters, resamples=RESAMPLES, level=LEVEL, rng=rng).difference
        yield ScoreFigures(name, average_precision(both[0]), gain, score_reliability(pairs).ece)


def joint_figures(learn: Answers, test: Answers) -> dict[str, dict[str, float]]:
    """Expected calibration error on `test` of the confidence in joints: "stated", "pooled" (one curve), "per joint".

    Each has "all" (labelled taught joints together) and "mean" (of the joints, each measured by itself). Only "stated"
    where `learn` has too few labels.
    """
    curves = learnt_curves(learn.people, learn.prediction, learn.protocol)
    answers = {"stated": test.prediction}
    if curves is not None:
        answers |= {"pooled": by_curves(test.prediction, JointCurves(curves.pooled))}
        answers |= {"per joint": by_curves(test.prediction, curves)}
    labelled = (test.people.visibility > UNLABELLED) & test.prediction.person_score.taught
    found = joints_found(test.people, test.prediction, test.protocol)
    figures = {}
    for name, answer in answers.items():
        sure = answer.confidence
        each = [reliability(sure[has, j], found[has, j]).ece for j, has in enumerate(labelled.T) if has.any()]
        figures[name] = {"all": reliability(sure[labelled], found[labelled]).ece, "mean": float(np.mean(each))}
    return figures


def _pairs(answers: Answers, images: Images, score: Scores) -> Pairs:
    found = answers.prediction.as_people(answers.people).replace(score=np.clip(score, 0, 1).astype(np.float32))
    return paired(answers.people, images, found, answers.protocol)
