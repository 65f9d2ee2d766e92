"""Learn how a network's people are scored: the OKS to expect, from the validation people's.

A fit does it at its end, when all its figures on the same people are taken: four numbers can hardly learn people by
heart, but the score's own calibration on them is flattered all the same.
"""

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize
from scipy.special import expit

from dataengine.evaluation.ap.oks import person_oks
from dataengine.evaluation.ap.protocol import COCO, OksProtocol
from dataengine.inference.running.prediction import Prediction
from dataengine.keypoints import UNLABELLED
from dataengine.nets.person_score import ExpectedOks
from dataengine.people import People

LEAST_PEOPLE = 30
"""With fewer the mean confidence stays."""
LEAST_SPREAD = 0.02  # of a feature: one that hardly varies among these people must not decide about others
RIDGE = 0.01  # chosen in docs/results/scores.md: from 44 people on, the learnt score ranks no worse than the mean


def learnt_score(people: People, prediction: Prediction, protocol: OksProtocol = COCO) -> ExpectedOks | None:
    """Weights that make the score of `prediction` the OKS with labelled `people`, row by row; None for too few."""
    counts = (people.visibility > UNLABELLED).any(axis=1)
    if counts.sum() < LEAST_PEOPLE:
        return None
    features = prediction.score_features(people.bbox_xywh_px)[counts]
    return fitted_weights(features, person_oks(people, prediction.keypoints_px, protocol)[counts])


def fitted_weights(features: NDArray[np.float64], oks: NDArray[np.float64], ridge: float = RIDGE) -> ExpectedOks:
    """Logistic regression of `oks` (n,) in 0..1 on standardised `features` (n, 3), by penalised cross entropy."""
    mean, spread = features.mean(axis=0), np.maximum(features.std(axis=0), LEAST_SPREAD)
    rows = np.column_stack([(features - mean) / spread, np.ones(len(features))])

    def cost(weights: NDArray[np.float64]) -> tuple[float, NDArray[np.float64]]:
        z = rows @ weights
        entropy = np.logaddexp(0, z) - oks * z
        gradient = rows.T @ (expit(z) - oks) / len(rows)
        gradient[:-1] += 2 * ridge * weights[:-1]
        return float(entropy.mean() + ridge * (weights[:-1] ** 2).sum()), gradient

    best = minimize(cost, np.zeros(rows.shape[1]), jac=True, method="L-BFGS-B").x
    slopes = best[:-1] / spread
    confidence, log_spread, of_entropy = slopes.tolist()
    return ExpectedOks(confidence, log_spread, of_entropy, bias=float(best[-1] - slopes @ mean))
