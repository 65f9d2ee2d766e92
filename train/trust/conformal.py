"""From which score on a joint may be accepted, so that what is accepted is right as often as was asked.

Labelled people calibrate: each joint has a score, and is right or wrong. A group (a film, a scene, a single picture) is
exchangeable with groups to come, while its frames are not, so each group counts once, however long it is: a joint
weighs 1 / (the group's labelled joints of that kind).

The method is "learn then test" (Angelopoulos, Bates, Candes, Jordan, Lei, "Learn then Test: Calibrating Predictive
Algorithms to Achieve Risk Control", 2021), one test a step from strict to loose (fixed sequence testing): at each step
the hypothesis "of what is accepted here, fewer than p are right" is tested by its binomial tail, and the last step
before the first one that cannot be rejected is taken. The steps lie at shares of the calibrating scores, which do not
depend on the labels. So, with probability `confidence` over the people that calibrate, what is accepted in new groups
is right with probability p. The plain conformal rule, W + 1 <= (1 - p) (A + 1) at the loosest score, promises less: it
takes the luckiest of many steps, and where precision hardly falls with the score it accepts joints of too low a one.

The tail is exact where each group has one joint of a kind, or its joints are right or wrong together; where only some
of a group's joints are, the counts are fractions, read by the beta form of the tail.
"""

import math

import numpy as np
from numpy.typing import NDArray
from scipy.special import betainc

from dataengine.errors import ParamsError

STRICTEST_SHARE, STEP_SHARE = 0.2, 0.02  # of the calibrating joints
FIRST_TIMES = 2  # the strictest step has this many times `least_groups`, or one wrong label would end the search
LEAST_TIMES = 3  # and a joint needs this many, so that other steps follow


def least_groups(precision: float, confidence: float) -> int:
    """How many groups, all right, it takes at least to show that precision with that confidence.

    >>> [least_groups(precision, 0.8) for precision in (0.5, 0.9, 0.95)]
    [3, 16, 32]
    """
    _check(precision, confidence)
    return math.ceil(math.log(1 - confidence) / math.log(precision))


def wrong_tail(wrong: NDArray[np.floating], accepted: NDArray[np.floating], precision: float) -> NDArray[np.float64]:
    """Probability of at most `wrong` wrong ones among `accepted`, were each wrong with probability 1 - precision.

    >>> wrong_tail(np.array([0.0, 1.0]), np.array([2.0, 2.0]), 0.9).round(4)  # 0.9 squared; all but 0.1 squared
    array([0.81, 0.99])
    """
    right = np.maximum(np.asarray(accepted, dtype=np.float64) - wrong, 0)
    inner = betainc(np.maximum(right, 1e-12), np.asarray(wrong, dtype=np.float64) + 1, precision)
    return np.where(right > 0, inner, 1.0)


def cutoff(
    score: NDArray[np.floating],
    right: NDArray[np.bool_],
    group: NDArray[np.int64],
    *,
    precision: float,
    confidence: float,
) -> float | None:
    """The least score with which a joint is accepted, from the joints (k,) of one kind; None accepts no joint.

    Args:
        score: How good each joint looks, any scale; minus infinity is never accepted.
        right: Whether it is right by the label.
        group: Which joints are no independent evidence of each other.
        precision: The share of accepted joints that is to be right, above 0 and below 1.
        confidence: Probability, over the groups that calibrate, with which it is.

    >>> score, right = np.linspace(0, 1, 400), np.arange(400) >= 100  # the hundred worst are wrong
    >>> round(cutoff(score, right, np.arange(400), precision=0.9, confidence=0.8) * 399, 3)  # twenty of them pass
    79.5
    """
    few = least_groups(precision, confidence)
    _, place, size = np.unique(group, return_inverse=True, return_counts=True)
    order = np.argsort(-score, kind="stable")
    weight = (1 / size[place])[order]
    accepted, wrong = np.cumsum(weight), np.cumsum(weight * ~right[order])
    falling = score[order]
    steps = _steps(accepted, falling, least=FIRST_TIMES * few)
    failed = wrong_tail(wrong[steps], accepted[steps], precision) > 1 - confidence
    passed = steps[: np.argmax(failed)] if failed.any() else steps
    return _halfway(falling, int(passed[-1])) if len(passed) else None


def _halfway(falling: NDArray[np.floating], last: int) -> float:
    """Between the last accepted score and the next: it accepts the same, and new scores differ a little."""
    below = falling[last + 1] if last + 1 < len(falling) else -np.inf
    return float((falling[last] + below) / 2 if np.isfinite(below) else falling[last])


def _steps(accepted: NDArray[np.float64], falling: NDArray[np.floating], least: int) -> NDArray[np.int64]:
    """Places, strict to loose, in the falling scores; equal scores are accepted together."""
    if not len(falling):
        return np.empty(0, dtype=np.int64)
    possible = np.flatnonzero(np.append(falling[1:] != falling[:-1], True) & np.isfinite(falling))
    if not len(possible):
        return possible
    total = accepted[-1]
    first = max(STRICTEST_SHARE * total, min(least, total))
    wanted = np.append(np.arange(first, total, STEP_SHARE * total), total)
    at = np.searchsorted(accepted[possible], wanted - 1e-9)
    return np.unique(possible[np.minimum(at, len(possible) - 1)])


def _check(precision: float, confidence: float) -> None:
    for name, value in (("target_precision", precision), ("target_confidence", confidence)):
        if not 0 < value < 1:
            raise ParamsError(name, expected="above 0 and below 1", got=f"{value:g}")
