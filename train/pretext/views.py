"""The agreement of views: crops of one moment by two cameras are alike, crops of other moments are not.

Sermanet et al., "Time-contrastive networks" (ICRA 2018), with the loss of van den Oord et al., "Representation learning
with contrastive predictive coding" (2018), InfoNCE: the other camera's crop of the same moment has to be more like a
crop than those of all other moments, by either camera. Those of the same camera look most alike: hard negatives.
"""

from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from .blocks import Moments

CHANCE = 0.5
WIDTH, OUT = 128, 64


class ViewHead(nn.Module):
    """Directions of unit length that moments are compared by."""

    def __init__(self, features: int) -> None:
        super().__init__()
        self.layers = nn.Sequential(nn.Linear(features, WIDTH), nn.ReLU(inplace=True), nn.Linear(WIDTH, OUT))

    def forward(self, features: Tensor) -> Tensor:
        """Unit vectors (b, 64) of features (b, f)."""
        return nn.functional.normalize(self.layers(features).float(), dim=1)


def draw_pairs(
    moments: Sequence[Moments], count: int, rng: np.random.Generator
) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Rows (k, 2) of crops of one moment by two cameras, and the moments' times (k,), all of one group of films.

    Every moment is drawn once at most, so k may be less than `count`.
    """
    sizes = np.array([len(each.time_s) for each in moments], dtype=np.float64)
    group = moments[rng.choice(len(moments), p=sizes / sizes.sum())]
    chosen = rng.permutation(len(group.time_s))[:count]
    keys = np.where(group.rows[chosen] >= 0, rng.random((len(chosen), group.rows.shape[1])), 2.0)
    views = np.argsort(keys, axis=1)[:, :2]
    return np.take_along_axis(group.rows[chosen], views, axis=1), group.time_s[chosen]


def view_loss(embedded: Tensor, time_s: Tensor, margin_s: float, temperature: float) -> Tensor:
    """InfoNCE, nats, of unit vectors (2 k, d): the first cameras' k moments, then the second cameras'.

    Moments nearer than `margin_s` in time (k,) are neither alike nor different: they do not count.
    """
    k = len(time_s)
    moment = torch.arange(2 * k, device=embedded.device) % k
    same = moment[:, None] == moment[None]
    times = time_s.repeat(2)
    counts = (times[:, None] - times[None]).abs() >= margin_s - 1e-9
    itself = torch.eye(2 * k, dtype=torch.bool, device=embedded.device)
    logits = (embedded @ embedded.T / temperature).masked_fill(~(counts | same) | itself, -torch.inf)
    target = (torch.arange(2 * k, device=embedded.device) + k) % (2 * k)
    return nn.functional.cross_entropy(logits, target)


def agreement(embedded: NDArray[np.float32], moments: Moments, margin_s: float) -> tuple[float, int]:
    """How often a crop is nearer to the other camera's of its moment than to one of another moment; and of how many.

    `embedded` (n, d) has the crops that `moments` names. Every crop is compared with those of all other cameras; other
    moments are `margin_s` away or more. Chance is `CHANCE`.
    """
    right = compared = 0.0
    apart = np.abs(moments.time_s[:, None] - moments.time_s[None]) >= margin_s - 1e-9
    for a in range(moments.rows.shape[1]):
        for b in range(moments.rows.shape[1]):
            seen = (moments.rows[:, a] >= 0) & (moments.rows[:, b] >= 0)
            if a == b or not seen.any():
                continue
            one, other = embedded[moments.rows[seen, a]], embedded[moments.rows[seen, b]]
            likeness = one @ other.T
            own, far = np.diag(likeness)[:, None], apart[np.ix_(seen, seen)]
            right += float(((own > likeness) & far).sum() + 0.5 * ((own == likeness) & far).sum())
            compared += float(far.sum())
    return (right / compared if compared else CHANCE), int(compared)
