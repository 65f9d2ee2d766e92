"""A rule of trust that accepts by probability instead of by a precision."""

import doctest
import math
from dataclasses import replace

import numpy as np
import pytest

from dataengine.train.trust import rule as module
from dataengine.train.trust.logistic import JointLogistic
from dataengine.train.trust.rule import JointTrust, TrustRule


def test_the_examples_hold() -> None:
    assert doctest.testmod(module) == doctest.TestResults(failed=0, attempted=2)


def test_accepted_is_what_is_likely_enough() -> None:
    rising = JointTrust(
        cutoff=3.0, log_odds=(-2.0, -1.0, 1.0, 1.0, 2.0), probability=(0.1, 0.3, 0.3, 0.7, 0.9), groups=60
    )
    joints = (rising, None, replace(rising, probability=(0.0, 0.1, 0.1, 0.2, 0.4)), *[rising] * 14)
    plain = JointLogistic((0.0,) * 4, (0.0,) * 17)
    rule = TrustRule(("a",), 0.9, 0.8, 0.5, 0.1, (plain,), plain, joints, groups=60, people=60)
    likely = rule.accepting(0.5)
    assert likely.precision == 0.5 and likely.joints[1] is None
    assert likely.cutoffs()[[0, 1, 2]].tolist() == pytest.approx([1.0, math.inf, math.inf])
    for log_odds in np.linspace(-3, 3, 61):
        probability = rising.calibrated(np.array([log_odds]))[0]
        assert (probability >= 0.5) == (log_odds >= likely.cutoffs()[0]), log_odds
    assert rule.accepting(0.1).cutoffs()[0] == -math.inf
    assert rule.cutoffs()[0] == 3.0, "the rule itself stays"


def test_joints_that_too_few_groups_show_are_told_from_those_that_are_never_accepted() -> None:
    good = JointTrust(cutoff=3.0, log_odds=(0.0, 1.0), probability=(0.5, 0.9), groups=60)
    joints = (None, replace(good, cutoff=None), *[good] * 15)
    plain = JointLogistic((0.0,) * 4, (0.0,) * 17)
    rule = TrustRule(("a",), 0.9, 0.8, 0.5, 0.1, (plain,), plain, joints, groups=60, people=80)
    assert rule.judged.tolist() == [False, *[True] * 16]
    assert rule.cutoffs().tolist() == [math.inf, math.inf, *[3.0] * 15]
    learned, few, never = rule.line().split("; ")
    assert learned.startswith("trust: learned on 80 labelled people in 60 groups")
    assert few.startswith("too few groups show nose: ") and never.startswith("no share of left eye is shown")
