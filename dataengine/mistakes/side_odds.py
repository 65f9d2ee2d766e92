"""Left or right? How likely a pose is as labelled, against the same pose with sides exchanged, by geometry alone.

For an exchange (of all joints, or of the arms alone, which is the legs alone seen from the other side) the question is
a likelihood ratio: how much likelier is the pose as labelled than the same pose with those names exchanged? A logistic
regression that separates labelled poses from their exchanged twins estimates exactly that (noise-contrastive
estimation, Gutmann & Hyvärinen, AISTATS 2010). Its features are products of joint offsets that change sign under the
exchange and stay the same under mirroring, so it has no intercept and needs no second opinion on the twin. Everyone is
judged by a model fitted without them (five folds).

What geometry can know is limited. Arms against legs is a fair test, for shoulders and hips mostly face the same way.
The whole body exchanged looks like a person seen from behind; only weak hints (which way knees bend) speak against it.
docs/results/lspet_quality.md shows how often each is right.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit

from dataengine.keypoints import UNLABELLED
from dataengine.people import People

LEAST_PEOPLE = 300  # four for each of the 78 weights of the larger model; fewer people are not judged
FOLDS = 5
REGULARISATION = 0.01  # C: on LSPET the held-out accuracy is the same from 0.001 to 0.01
NEWTON_STEPS, TOLERANCE = 50, 1e-6
_LEFT, _RIGHT = np.arange(5, 17, 2), np.arange(6, 17, 2)  # shoulder, elbow, wrist, hip, knee, ankle
_ARMS, _LEGS = slice(0, 3), slice(3, 6)
Floats = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class SideOdds:
    """Natural logarithm of the likelihood ratio, as labelled over exchanged; NaN where too little is labelled."""

    body: Floats
    """(n,) against all sides exchanged."""
    limbs: Floats
    """(n,) against arms or legs exchanged, one without the other."""


def side_odds(people: People) -> SideOdds:
    """Odds of every person by models of the others. NaN for all when fewer than LEAST_PEOPLE can be judged."""
    difference, middle, paired = _offsets(people)
    body = paired.sum(axis=1) >= 4
    limbs = (paired[:, _ARMS].sum(axis=1) >= 2) & (paired[:, _LEGS].sum(axis=1) >= 2)
    dx, dy = difference[..., 0], difference[..., 1]
    x, y = middle[..., 0], middle[..., 1]
    # what a mirror image keeps: dx alone, or any product with an even number of dy and x
    body_features = np.concatenate([dx, _products(dx, y), _products(dy, x)], axis=1)
    limb_features = np.concatenate(
        [_products(dx[:, _ARMS], dx[:, _LEGS]), _products(dy[:, _ARMS], dy[:, _LEGS])], axis=1
    )
    return SideOdds(_log_odds(body_features, body), _log_odds(limb_features, limbs))


def _offsets(people: People) -> tuple[Floats, Floats, NDArray[np.bool_]]:
    """Left minus right and their mean (n, 6, 2) of each pair of joints, and which pairs are labelled (n, 6).

    From the centroid of labelled body joints, in units of their root mean square distance to it. Differences of
    unlabelled pairs are 0; the mean of half a pair is the joint that there is.
    """
    labelled = people.visibility > UNLABELLED
    labelled[:, : _LEFT[0]] = False
    weight = labelled[..., None].astype(np.float64)
    count = np.maximum(weight.sum(axis=1, keepdims=True), 1)
    points = people.keypoints_px.astype(np.float64)
    offset = (points - (points * weight).sum(axis=1, keepdims=True) / count) * weight
    spread = np.sqrt((offset**2).sum(axis=(1, 2), keepdims=True) / count)
    unit = offset / np.maximum(spread, 1e-6)
    left, right = unit[:, _LEFT], unit[:, _RIGHT]
    sides = np.maximum(weight[:, _LEFT] + weight[:, _RIGHT], 1)
    paired = labelled[:, _LEFT] & labelled[:, _RIGHT]
    return np.where(paired[..., None], left - right, 0.0), (left + right) / sides, paired


def _products(a: Floats, b: Floats) -> Floats:
    return np.asarray((a[:, :, None] * b[:, None, :]).reshape(len(a), a.shape[1] * b.shape[1]))


def _log_odds(features: Floats, judged: NDArray[np.bool_]) -> Floats:
    """Log odds (n,) of `features` (n, k) against their negatives, each by a model of the other folds."""
    odds = np.full(len(features), np.nan)
    rows = np.flatnonzero(judged)
    if len(rows) < LEAST_PEOPLE:
        return odds
    scaled = features[rows] / np.maximum(features[rows].std(axis=0), 1e-9)
    fold = np.arange(len(rows)) % FOLDS
    for held_out in range(FOLDS):
        weights = fit_odd_logistic(scaled[fold != held_out])
        odds[rows[fold == held_out]] = scaled[fold == held_out] @ weights
    return odds


def fit_odd_logistic(features: Floats, regularisation: float = REGULARISATION) -> Floats:
    """Weights (k,) of a logistic regression without intercept that separates `features` (n, k) from their negatives.

    Both classes hold the same points up to sign, so half of them suffice. Newton's method on
    C sum log(1 + exp(-+ w x)) + |w|^2 / 2, scikit-learn's objective, C being `regularisation`, with steps halved until
    it falls.
    """
    weights = np.zeros(features.shape[1])
    loss = _loss(features, weights, regularisation)
    for _ in range(NEWTON_STEPS):
        wrong = expit(-features @ weights)
        gradient = weights - 2 * regularisation * features.T @ wrong
        curvature = 2 * regularisation * (features * (wrong * (1 - wrong))[:, None]).T @ features
        step = np.linalg.solve(curvature + np.eye(len(weights)), gradient)
        while _loss(features, weights - step, regularisation) > loss and np.abs(step).max() > TOLERANCE:
            step /= 2
        weights = weights - step
        loss = _loss(features, weights, regularisation)
        if np.abs(step).max() <= TOLERANCE:
            break
    return weights


def _loss(features: Floats, weights: Floats, regularisation: float) -> float:
    misfit = np.logaddexp(0, -features @ weights).sum()
    return float(2 * regularisation * misfit + weights @ weights / 2)
