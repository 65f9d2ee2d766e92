"""How trustworthy accepted joints are on people with labels: precision and coverage with intervals, reliability."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from dataengine.evaluation.analysis.calibration import Reliability, reliability
from dataengine.evaluation.analysis.interval import Interval
from dataengine.evaluation.analysis.resampled import Resampled, effective_size
from dataengine.keypoints import COCO_KEYPOINTS

from .known_people import KnownPeople
from .learning import CrossScored

RESAMPLES, LEVEL = 1000, 0.95


@dataclass(frozen=True)
class Reached:
    """What became of the labelled joints of some people."""

    accepted: int
    labelled: int
    right: int
    """Those of the accepted ones that are right."""
    precision: Interval | None
    """Share of accepted joints that are right; None where none is accepted."""
    coverage: Interval
    """Share of labelled joints that are accepted, of people that were found."""


def reached(
    accepted: NDArray[np.bool_],
    right: NDArray[np.bool_],
    labelled: NDArray[np.bool_],
    group: NDArray[np.int64],
    *,
    seed: int = 0,
) -> Reached:
    """Precision and coverage of joints (n, j) of people in `group` (n,); groups are resampled whole.

    Intervals are `Resampled`'s, as the gate's; of a single group, which says nothing of others, 0 to 1.
    """
    place = np.unique(group, return_inverse=True)[1]
    groups = int(place.max()) + 1 if len(place) else 1
    taken = accepted & labelled
    sums = np.stack(
        [np.bincount(place, each.sum(axis=1), minlength=groups) for each in (taken & right, taken, labelled)], axis=1
    )
    draws = np.random.default_rng(seed).multinomial(groups, np.full(groups, 1 / groups), RESAMPLES)
    hits, count, every = sums.sum(axis=0).tolist()
    precision = _share_interval(sums[:, 0], sums[:, 1], draws) if count else None
    return Reached(int(count), int(every), int(hits), precision, _share_interval(sums[:, 1], sums[:, 2], draws))


def diagrams(scored: CrossScored, confidence: NDArray[np.floating]) -> dict[str, tuple[Reliability, Reliability]]:
    """Reliability of a teacher's own `confidence` (m, 17), then of the calibrated one: all joints, and each by name.

    Both of the same labelled joints; the calibrated probability of each is learned on other groups.
    """
    known = scored.known
    before, after = np.clip(confidence, 0, 1), np.clip(scored.calibrated, 0, 1)
    parts = {"all": known.labelled}
    for joint, name in enumerate(COCO_KEYPOINTS):
        only = np.zeros_like(known.labelled)
        only[:, joint] = known.labelled[:, joint]
        if only.any():
            parts[name] = only
    return {
        name: (reliability(before[part], scored.right[part]), reliability(after[part], scored.right[part]))
        for name, part in parts.items()
    }


def first_confidence(known: KnownPeople) -> NDArray[np.float64]:
    """The confidence (m, 17) of the first teacher, as it states it."""
    return known.opinions[0].confidence


def _share_interval(part: NDArray[np.number], whole: NDArray[np.number], draws: NDArray[np.int64]) -> Interval:
    """The share that `part` (g,) is of `whole` (g,) over all groups, which `draws` (r, g) resample."""
    if not whole.any():
        return Interval(0.0, 0.0, 1.0)
    above, below = draws @ part, draws @ whole
    shares = above[below > 0] / below[below > 0]
    return Resampled(part.sum() / whole.sum(), shares, effective_size(whole)).interval(LEVEL, least=0.0, most=1.0)
