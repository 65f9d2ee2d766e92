"""What a fitted pose may be: joint limits, learnt from the pose library, and nearness to one of its poses.

The library's poses were authored by eye after what people do; no pose may bend, twist or reach further than the most
extreme of them. `JointLimits.of` measures them, `JointLimits.excess` computes how far other poses exceed them.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

import torch
from torch import Tensor

from ..poses.library import Pose, mirrored
from .rig import Stance
from .stance import stance_of
from .torch_rotations import swing, unit

_MARGIN = 0.1  # radians, and shares of a unit vector: jitter may bring the library this far, too
_BENT = 0.3  # sine of the elbow or knee angle from which the twist of its limb is defined well enough
# A left limb out of which no twist is: where it points and the axis about which it bends then.
_NEUTRAL = {"arm": ((1.0, 0.0, 0.0), (0.0, 0.0, -1.0)), "leg": ((0.0, 0.0, -1.0), (1.0, 0.0, 0.0))}


@dataclass(frozen=True, eq=False)
class JointLimits:
    """Lower and upper limit of each quantity that `_measures` returns."""

    low: Tensor  # (m,)
    high: Tensor  # (m,)

    @classmethod
    def of(cls, poses: Sequence[Pose]) -> Self:
        """The limits within which `poses` and their mirror images lie."""
        measures, counts = _measures(stance_of([*poses, *map(mirrored, poses)]))
        low = torch.where(counts > 0, measures, torch.inf).amin(0) - _MARGIN
        return cls(low, torch.where(counts > 0, measures, -torch.inf).amax(0) + _MARGIN)

    def excess(self, stance: Stance) -> Tensor:
        """Sum (n,) of squares beyond the limits: radians, or shares of a unit vector."""
        measures, counts = _measures(stance)
        beyond = torch.relu(measures - self.high) + torch.relu(self.low - measures)
        return (beyond.square() * counts).sum(1)


def distance(stance: Stance, other: Stance) -> Tensor:
    """How far apart poses are (n,): squares of radians over limbs, spine, neck and root, for small angles."""
    limbs = 2 * (1 - (unit(stance.directions) * unit(other.directions)).sum(-1)).sum((1, 2))
    trunk = (stance.spine - other.spine).square().sum(1) + (stance.neck - other.neck).square().sum(1)
    return limbs + trunk + (stance.root - other.root).square().sum((1, 2)) / 2


def _measures(stance: Stance) -> tuple[Tensor, Tensor]:
    """The limited quantities (n, m) and the weight of each (n, m), 0 to 1: a straight limb has no twist.

    Of each limb: how far it bends, where it points (outwards, back, up) and its twist; spine and neck.
    """
    directions = unit(stance.directions)
    measures, counts = [stance.spine, stance.neck], [torch.ones(6).expand(len(stance.root), 6)]
    for limb, kind in enumerate(("arm", "arm", "leg", "leg")):
        sided = directions[:, limb] * torch.tensor([-1.0 if limb % 2 else 1.0, 1, 1])  # a right limb as a left one
        upper, lower = sided[:, 0], sided[:, 1]
        axis = torch.linalg.cross(upper, lower)
        sine = torch.sqrt(axis.square().sum(1) + 1e-8)
        bend = torch.atan2(sine, (upper * lower).sum(1))
        measures.append(torch.cat([bend[:, None], upper, _twist(upper, axis, kind)[:, None]], 1))
        counts.append(torch.cat([torch.ones(len(sine), 4), torch.relu(sine - _BENT)[:, None]], 1))
    return torch.cat(measures, 1), torch.cat(counts, 1)


def _twist(upper: Tensor, axis: Tensor, kind: str) -> Tensor:
    """Angle (n,) about a limb's upper part between the axis of its hinge and where swinging alone would bring it."""
    rest, rest_axis = (torch.tensor(vector).expand_as(upper) for vector in _NEUTRAL[kind])
    neutral = (swing(rest, upper) @ rest_axis[..., None])[..., 0]
    return torch.atan2((torch.linalg.cross(neutral, axis) * upper).sum(1), (neutral * axis).sum(1) + 1e-8)
