"""Flags that look wrong: joints labelled as visible that no network can see, and the other way round.

A logistic regression learns from the other folds how likely a joint is labelled as visible, given how sure each witness
is of it and how near its label lies. Where a share r of flags is wrong, either way equally often, that chance is
(1 - 2 r) p + r, with p that the joint is visible (Natarajan et al., "Learning with Noisy Labels", NIPS 2013); and the
odds that a flag is wrong are r / (1 - r) times those of the other flag (Bayes' rule). Sets that use one flag alone are
not judged.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from dataengine.keypoints import FLIP_INDEX, OCCLUDED, VISIBLE
from dataengine.people import JOINTS, People

from .hypotheses import OWN, Floats, Questions
from .odds import LEAST_TO_LEARN
from .witness import Witness

_EDGE = 1e-3  # of chances, before their logarithm


def flag_log_odds(
    people: People, asked: Questions, witnesses: Sequence[Witness], fold: NDArray[np.int64], prior: float
) -> Floats:
    """Log odds (n, 17) that a joint's flag is wrong; minus infinity for joints that are not judged."""
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    odds = np.full(asked.labelled.shape, -np.inf)
    if not witnesses:
        return odds
    evidence, visible = _evidence(witnesses), people.visibility == VISIBLE
    for held_out in np.unique(fold):
        learnt, told = (asked.labelled & chosen[:, None] for chosen in (fold != held_out, fold == held_out))
        counts = [int((learnt & (people.visibility == flag)).sum()) for flag in (OCCLUDED, VISIBLE)]
        if min(counts) < LEAST_TO_LEARN or not told.any():
            continue
        model = make_pipeline(StandardScaler(), LogisticRegression(max_iter=1000))
        model.fit(evidence[learnt], visible[learnt])
        chance = (model.predict_proba(evidence[told])[:, 1] - prior) / (1 - 2 * prior)
        chance = np.clip(chance, _EDGE, 1 - _EDGE)
        seen = np.log(chance) - np.log1p(-chance)
        odds[told] = np.where(visible[told], -seen, seen) + np.log(prior) - np.log1p(-prior)
    return odds


def _evidence(witnesses: Sequence[Witness]) -> Floats:
    """(n, 17, k) how sure each witness is, how near the label it sees the joint, and which pair of joints it is."""
    sure = [np.clip(w.confidence, _EDGE, 1 - _EDGE) for w in witnesses]
    columns = [np.log(c) - np.log1p(-c) for c in sure] + [w.log_density[..., OWN] for w in witnesses]
    pair = np.minimum(np.arange(JOINTS), FLIP_INDEX)
    kinds = np.equal.outer(pair, np.unique(pair)).astype(np.float64)
    joint = np.broadcast_to(kinds, (len(columns[0]), *kinds.shape))
    return np.concatenate([np.stack(columns, axis=2), joint], axis=2)
