"""From log odds to a probability for every kind, person and joint, by Bayes' rule.

For each person one thing at most is taken to be wrong: the hypotheses are the labels as they are, each exchange, each
joint elsewhere or on a neighbour, and all joints on another person. Each kind has the same prior; that of a joint is
the kind's, shared among the labelled joints. So a whole exchanged body, which every joint contradicts, is one mistake
of one kind and not twelve.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import logsumexp

from dataengine.people import JOINTS

from .exchanges import ExchangeOdds
from .hypotheses import EXCHANGES, Floats
from .misplaced import MisplacedOdds

JOINT, NEIGHBOUR, PERSON = "joint", "neighbour", "person"
KINDS = (*EXCHANGES, JOINT, NEIGHBOUR, PERSON)


@dataclass(frozen=True, eq=False)
class Verdicts:
    """What is believed of n people."""

    probability: Floats  # (n, len(KINDS)) of each kind; what is missing to 1 is that the labels are right
    joint_probability: Floats  # (n, 17) that the joint's place is wrong, whatever the kind
    joint: NDArray[np.int64]  # (n, len(KINDS)) the joint meant where the kind is of one joint
    log_odds: Floats  # (n, len(KINDS)) of each kind against the labels as they are, priors included

    @property
    def wrong_log_odds(self) -> Floats:
        """(n,) log odds that something is wrong: what people are ranked by."""
        return np.asarray(logsumexp(self.log_odds, axis=1))

    @property
    def kind(self) -> NDArray[np.int64]:
        """(n,) the likeliest kind, an index of KINDS."""
        return np.asarray(self.log_odds.argmax(axis=1))


def verdicts(
    exchange: dict[str, ExchangeOdds],
    misplaced: MisplacedOdds,
    neighbour: Floats,
    labelled: NDArray[np.bool_],
    prior: float,
) -> Verdicts:
    """`neighbour` (n, 17) is what `misplaced.on_neighbour` says."""
    right = np.log1p(-prior * len(KINDS))
    share = np.log(prior) - right
    each = share - np.log(np.maximum(labelled.sum(axis=1), 1))[:, None]
    of_joint = {JOINT: misplaced.joint + each, NEIGHBOUR: misplaced.joint + neighbour + each}
    columns = [exchange[kind].log_odds + share for kind in EXCHANGES]
    columns += [_sum(of_joint[kind]) for kind in (JOINT, NEIGHBOUR)] + [misplaced.pose + share]
    log_odds = np.stack(columns, axis=1)
    probability = np.exp(log_odds - np.logaddexp(0, _sum(log_odds))[:, None])
    return Verdicts(probability, _joints(probability, of_joint, labelled), _meant(of_joint), log_odds)


def _joints(probability: Floats, of_joint: dict[str, Floats], labelled: NDArray[np.bool_]) -> Floats:
    wrong = np.zeros(labelled.shape)
    for index, kind in enumerate(KINDS):
        if kind in EXCHANGES:
            shares = np.isin(np.arange(JOINTS), EXCHANGES[kind]).astype(float)[None]
        elif kind in of_joint:
            shares = np.exp(of_joint[kind] - np.maximum(_sum(of_joint[kind]), -1e300)[:, None])
        else:
            shares = np.ones((1, JOINTS))
        wrong += probability[:, [index]] * shares
    return np.where(labelled, np.clip(wrong, 0, 1), 0.0)


def _meant(of_joint: dict[str, Floats]) -> NDArray[np.int64]:
    n = len(of_joint[JOINT])
    nobody = np.full(n, -1)
    return np.stack([of_joint[kind].argmax(axis=1) if kind in of_joint else nobody for kind in KINDS], axis=1)


def _sum(log_odds: Floats) -> Floats:
    """Log of the sum over the last axis; minus infinity where there is nothing to sum."""
    return np.asarray(logsumexp(log_odds, axis=1))
