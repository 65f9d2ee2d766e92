"""Left or right? People whose labels look side-swapped, judged by the geometry of all other people in the set.

`dataengine.mistakes.side_odds` says how much likelier a pose is as labelled than exchanged; with a prior for swaps,
Bayes' rule turns that ratio into a probability. `teacher_sides.py` looks at the picture instead.
docs/results/lspet_quality.md shows how often each is right.
"""

import numpy as np

from dataengine.mistakes.side_odds import side_odds
from dataengine.people import People

from .person_boxes import Fault


def swapped_sides(people: People, *, prior: float, probability: float) -> list[Fault]:
    """People whose sides are exchanged with at least `probability`, given the share `prior` of such people."""
    odds = side_odds(people)
    prior_odds = np.log(prior) - np.log1p(-prior)
    faults = []
    for row in range(len(people)):
        pairs = ((odds.body[row], "left and right"), (odds.limbs[row], "left and right of the arms or of the legs"))
        least, what = min(pair if not np.isnan(pair[0]) else (np.inf, "") for pair in pairs)
        chance = float(1 / (1 + np.exp(np.clip(least - prior_odds, -50, 50))))
        if chance >= probability:
            faults.append(Fault(row, f"{what} look exchanged, probability {chance:.2f}", chance))
    return faults
