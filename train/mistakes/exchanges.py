"""Left and right exchanged: of the whole body, of the arms or of the legs.

Evidence for the labels as they are against the exchanged ones: for each witness the sum over labelled pairs of
log density at the label less that at the partner's label; of geometry the odds of `mistakes.side_odds`, how much rarer
the pose is the other way, and how much longer its longest bone. All change sign where the sides are exchanged.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from dataengine.mistakes.side_odds import side_odds
from dataengine.people import People

from .geometry import PoseRarity, body_stretch
from .hypotheses import EXCHANGES, LEAST_PAIRS, OWN, PARTNER, Floats, Questions, exchanged, paired
from .odds import odd_log_odds
from .witness import Witness

GEOMETRY = ("sides by geometry", "rare pose", "long limb")


@dataclass(frozen=True, eq=False)
class ExchangeOdds:
    """One kind of exchange on n people."""

    log_odds: Floats  # (n,) exchanged over as labelled; minus infinity for people who are not judged
    evidence: Floats  # (n, k) each piece for the labels as they are, above 0 for, below against
    names: tuple[str, ...]


def exchange_odds(
    people: People, asked: Questions, witnesses: Sequence[Witness], rarity: PoseRarity, fold: NDArray[np.int64]
) -> dict[str, ExchangeOdds]:
    """Log odds of every kind in `EXCHANGES`."""
    sides = side_odds(people)
    own_rarity, own_stretch = rarity.of(people.keypoints_px, people.visibility), body_stretch(people)
    found = {}
    for kind, joints in EXCHANGES.items():
        pairs = paired(asked.labelled, joints)
        judged = pairs.sum(axis=1) >= 2 * LEAST_PAIRS
        twin = exchanged(people, joints)
        geometry = [
            np.nan_to_num(sides.body if kind == "sides" else sides.limbs),
            np.nan_to_num(rarity.of(twin.keypoints_px, twin.visibility) - own_rarity),
            body_stretch(twin) - own_stretch,
        ]
        seen = [((w.log_density[..., OWN] - w.log_density[..., PARTNER]) * pairs).sum(axis=1) for w in witnesses]
        evidence = np.stack([*seen, *geometry], axis=1)
        log_odds = -odd_log_odds(evidence, judged, fold)
        found[kind] = ExchangeOdds(log_odds, evidence, (*(w.name for w in witnesses), *GEOMETRY))
    return found
