"""What is watched while people without labels are learned from, and when a fit has collapsed.

A network that teaches itself may agree with itself by seeing nothing, or the same in everybody (Xie et al., 2021). So
five things are measured in every epoch: how sure the teacher is (foreground), what share of its joints is accepted, in
all and joint by joint, how often the student finds them again in the other view (agreement), and how much places differ
from person to person (spread).
"""

from collections.abc import Mapping, Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from dataengine.errors import InputError
from dataengine.keypoints import COCO_KEYPOINTS
from dataengine.people import JOINTS

AGREE_WITHIN = 0.05  # of the crop's longer side
WATCHED = 2 * JOINTS + 3 + 4 * JOINTS + 1
FOREGROUND, STUDENT_FOREGROUND, ACCEPTED, AGREEMENT, SPREAD = (
    "unlabelled_foreground",
    "unlabelled_student_foreground",
    "unlabelled_accepted",
    "unlabelled_agreement",
    "unlabelled_spread",
)
PCK = "val_pck_02"
# Shares of the best epoch so far that a fit is to stay above: chosen well below what the epochs of a healthy fit differ
# by (`docs/results/students.md`).
LEAST_OF_BEST: Mapping[str, tuple[float, str]] = {
    FOREGROUND: (0.5, "the teacher sees less and less of anybody"),
    ACCEPTED: (0.25, "hardly any joint is accepted any more"),
    SPREAD: (0.5, "everybody gets the same pose"),
    PCK: (0.5, "validation people are found no more"),
}
LEAST_SEEN = 0.05  # a figure that has never been above it cannot collapse
# Two networks that see the same in a person, but not where a label is, have agreed on something else. In tiny fits that
# learn, PCK per agreement lies above 1; in those that a weight of 300 drove off their labels below 0.15.
SURE_AGREEMENT, LEAST_PCK_PER_AGREEMENT = 0.3, 0.25
FIX = "lower consistency.weight, raise consistency.least_confidence, or set consistency.mode: none"


def sums_of(
    *,
    accepted: Tensor,
    possible: Tensor,
    confidence: Tensor,
    student_confidence: Tensor,
    agrees: Tensor,
    places_px: Tensor,
) -> Tensor:
    """(WATCHED,) float64, of u people: all but `places_px` (u, 17, 2) are (u, 17); sums are added up over steps."""
    counts = possible.double()
    places = places_px.double().flatten(1)
    means = [(value.double() * counts).sum()[None] for value in (confidence, student_confidence, agrees)]
    people = torch.full((1,), len(places), dtype=torch.float64, device=places.device)
    parts = [accepted.double().sum(0), counts.sum(0), *means, places.sum(0), (places**2).sum(0), people]
    return torch.cat(parts)


def figures_of_sums(sums: NDArray[np.float64], size_px: tuple[int, int], taught: NDArray[np.bool_]) -> dict[str, float]:
    """The figures of an epoch, shares of 0..1; spread is the deviation of the joints `taught` (17,), as a share of the
    crop's size (width, height)."""
    j = JOINTS
    accepted, possible = sums[:j], sums[j : 2 * j]
    confidence, student, agrees = sums[2 * j : 2 * j + 3]
    total, squares = (sums[2 * j + 3 + k * 2 * j : 2 * j + 3 + (k + 1) * 2 * j].reshape(j, 2) for k in (0, 1))
    people, seen = max(sums[-1], 1.0), max(possible.sum(), 1.0)
    deviation = np.sqrt(np.maximum(squares / people - (total / people) ** 2, 0.0)) / np.array(size_px)
    shares = accepted / np.maximum(possible, 1.0)
    return {
        FOREGROUND: float(confidence / seen),
        STUDENT_FOREGROUND: float(student / seen),
        ACCEPTED: float(accepted.sum() / seen),
        AGREEMENT: float(agrees / seen),
        SPREAD: float(deviation[taught].mean()) if taught.any() else 0.0,
        **{f"accepted/{COCO_KEYPOINTS[k]}": float(shares[k]) for k in np.flatnonzero(taught)},
    }


def refuse_collapse(history: Sequence[Mapping[str, float]]) -> None:
    """Raise `InputError` where the last epoch of `history` fell below its share of the best epoch before it, or where
    student and teacher agree on what no label says."""
    if len(history) < 2:
        return
    last = history[-1]
    agreed, found = last.get(AGREEMENT, 0.0), last[PCK]
    if agreed >= SURE_AGREEMENT and found < LEAST_PCK_PER_AGREEMENT * agreed:
        raise InputError(
            f"the student has collapsed in epoch {len(history) - 1}: it agrees with its teacher and not with labels",
            expected=f"{PCK} of {LEAST_PCK_PER_AGREEMENT * agreed:.3f} or more where {AGREEMENT} is {agreed:.3f}",
            got=f"{found:.3f}",
            fix=FIX,
        )
    for name, (share, meaning) in LEAST_OF_BEST.items():
        if name not in last:
            continue
        values = [epoch[name] for epoch in history[:-1] if name in epoch]
        best = max(values, default=0.0)
        if best >= LEAST_SEEN and last[name] < share * best:
            raise InputError(
                f"the student has collapsed in epoch {len(history) - 1}: {meaning}",
                expected=f"{name} of {share * best:.3f} or more ({share:g} of its best epoch)",
                got=f"{last[name]:.3f}",
                fix=FIX,
            )
