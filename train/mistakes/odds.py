"""How several pieces of evidence become one log odds: they are weighed by what they say of labels known to be wrong.

Wrong labels are made from the set's own, and a logistic regression separates those from the labels as they are; its
answer is the log of their likelihood ratio (noise-contrastive estimation, Gutmann and Hyvärinen, AISTATS 2010). The few
labels that are wrong already make it a little less sure, not biased. Everybody is judged by weights learnt from the
other folds. Evidence that changes sign where sides are exchanged needs no intercept: see `mistakes.side_odds`, whose
regression `odd_log_odds` uses.
"""

import numpy as np
from numpy.typing import NDArray

from dataengine.mistakes.side_odds import fit_odd_logistic

from .hypotheses import Floats

LEAST_TO_LEARN = 50  # rows on each side; with fewer, nobody is judged
_PENALTY = 1.0  # scikit-learn's C, weak: there are a handful of weights and thousands of rows


def odd_log_odds(evidence: Floats, judged: NDArray[np.bool_], fold: NDArray[np.int64]) -> Floats:
    """Log odds (n,), as labelled over exchanged, of `evidence` (n, k) that changes sign with the exchange.

    Infinity for people who are not judged: nothing speaks against them.
    """
    odds = np.full(len(evidence), np.inf)
    scaled = evidence / np.maximum(evidence[judged].std(axis=0), 1e-9) if judged.any() else evidence
    for held_out in np.unique(fold):
        learnt, told = judged & (fold != held_out), judged & (fold == held_out)
        if learnt.sum() >= LEAST_TO_LEARN:
            odds[told] = scaled[told] @ fit_odd_logistic(scaled[learnt], _PENALTY)
    return odds


def wrong_log_odds(right: Floats, wrong: Floats, judged: NDArray[np.bool_], fold: NDArray[np.int64]) -> Floats:
    """Log odds (n,), wrong over right, of labels with evidence `right` (n, k); `wrong` (n, k) is that of made-up ones.

    Rows that are not judged get minus infinity: nothing speaks against them.
    """
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    odds = np.full(len(right), -np.inf)
    for held_out in np.unique(fold):
        learnt, told = judged & (fold != held_out), judged & (fold == held_out)
        if learnt.sum() < LEAST_TO_LEARN or not told.any():
            continue
        model = make_pipeline(StandardScaler(), LogisticRegression(C=_PENALTY, max_iter=1000))
        rows = np.concatenate([right[learnt], wrong[learnt]])
        model.fit(rows, np.repeat([0, 1], int(learnt.sum())))
        odds[told] = model.decision_function(right[told])
    return odds
