"""Logistic regression of joints: a weight for each sign, shared by all joints, and a bias for each joint."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit

from dataengine.people import JOINTS

REGULARISATION = 1.0  # C: thousands of joints fit a few signs and 17 biases


@dataclass(frozen=True)
class JointLogistic:
    """log odds = signs @ weights + bias of the joint."""

    weights: tuple[float, ...]
    bias: tuple[float, ...]

    def log_odds(self, signs: NDArray[np.float64]) -> NDArray[np.float64]:
        """The log odds (n, 17) that joints with signs (n, 17, d) are right."""
        return np.asarray(signs @ np.array(self.weights) + np.array(self.bias))

    def probability(self, signs: NDArray[np.float64]) -> NDArray[np.float64]:
        """The same as probabilities."""
        return np.asarray(expit(self.log_odds(signs)))


def fit_logistic(
    signs: NDArray[np.float64], right: NDArray[np.bool_], counted: NDArray[np.bool_], weight: NDArray[np.float64]
) -> JointLogistic:
    """Learn from the joints (n, 17) that are `counted`, each with its `weight` (n, 17).

    Where all of them are right, or all wrong, there is nothing to learn: the log odds are 0.
    """
    from sklearn.linear_model import LogisticRegression

    outcome = right[counted]
    if outcome.all() or not outcome.any():
        return JointLogistic((0.0,) * signs.shape[2], (0.0,) * JOINTS)
    of_joint = np.broadcast_to(np.eye(JOINTS), (*right.shape, JOINTS))
    table = np.concatenate([signs, of_joint], axis=2)[counted]
    fitted = LogisticRegression(C=REGULARISATION, max_iter=1000).fit(table, outcome, sample_weight=weight[counted])
    weights, bias = np.split(fitted.coef_[0], [signs.shape[2]])
    return JointLogistic(_floats(weights), _floats(bias + fitted.intercept_[0]))


def _floats(values: Sequence[float] | NDArray[np.float64]) -> tuple[float, ...]:
    return tuple(float(value) for value in values)
