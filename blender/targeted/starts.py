"""Where fits begin: the poses of the library, seen from all sides, that look most like a labelled person.

The joints themselves are compared, moved and scaled onto the labelled ones, instead of their pose embedding: that loses
whether a pose is mirrored, which a start must know. Poses from the front and from the back, upright and rotated in the
image, are searched separately, because only the fit shows which of them is right.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

import torch
from torch import Tensor

from ..poses.library import Pose, mirrored
from ..scene.camera import SENSOR_MM
from .rig import Rig, Stance
from .stance import stance_of
from .torch_rotations import about_axis
from .view import Targets, View

FOCAL_MM = 45.0  # the middle of what render draws
_TURNS = 12  # directions from which a pose is looked at
_TILT_COST = 0.15  # cost of a pose upside down, on the scale of the unexplained share of the spread


@dataclass(frozen=True, eq=False)
class Starts:
    """Initial guesses of a fit, k in a row for each person."""

    pose: Tensor  # (n * k,) row of the bank's poses
    stance: Stance
    view: View


@dataclass(frozen=True, eq=False)
class PoseBank:
    """The library's poses and their mirror images, with their joints as seen from all sides."""

    poses: tuple[Pose, ...]
    roots: Tensor  # (p, turns, 3, 3) of the poses, turned
    joints: Tensor  # (p, turns, 17) complex: x to the right, i down, metres about the root

    @classmethod
    def of(cls, library: Sequence[Pose], rig: Rig) -> Self:
        """The bank of a library on the body of `rig`, one for all."""
        poses = (*library, *map(mirrored, library))
        stance = stance_of(poses)
        angles = torch.arange(_TURNS) * (2 * torch.pi / _TURNS)
        turns = about_axis(torch.tensor([0.0, 0, 1]).expand(_TURNS, 3), angles)
        joints = rig.joints(stance) - rig.heads_m[:, :1]
        seen = torch.einsum("tab,pjb->ptja", turns, joints)
        return cls(poses, torch.einsum("tab,pbc->ptac", turns, stance.root), torch.complex(seen[..., 0], -seen[..., 2]))

    def nearest(self, targets: Targets, each: int) -> Starts:
        """The `each` poses that look most like each target, of all four kinds: 4 * each starts a person."""
        scale, gain = self._match(targets)
        facing = torch.arange(_TURNS)
        front = (facing < _TURNS // 4) | (facing > _TURNS - _TURNS // 4)
        picks = []
        for upright in (True, False):
            if upright:  # without a rotation only the real part of the scale explains anything
                total = 1 - scale.real.clamp(min=0).square() * gain
            else:
                total = 1 - scale.abs().square() * gain + _TILT_COST * (1 - scale.angle().cos()) / 2
            for side in (front, ~front):
                best, turn = torch.where(side, total, torch.inf).min(2)
                pose = best.topk(each, dim=1, largest=False).indices
                picks.append(torch.stack([pose, turn.gather(1, pose), torch.full_like(pose, int(upright))], 2))
        pose, turn, upright_flag = torch.cat(picks, 1).flatten(0, 1).unbind(1)
        person = torch.arange(len(targets.box_px)).repeat_interleave(4 * each)
        return self._starts(targets.repeated(4 * each), scale[person, pose, turn], pose, turn, upright_flag > 0)

    def _match(self, targets: Targets) -> tuple[Tensor, Tensor]:
        """Best complex scale in px/m, and its gain: gain times |scale|^2 is the share of the spread that it explains.

        Both (n, p, turns).
        """
        weights = targets.weights / targets.weights.sum(1, keepdim=True)
        points = torch.complex(targets.points_px[..., 0], targets.points_px[..., 1])
        points = points - (weights * points).sum(1, keepdim=True)
        means = torch.einsum("nj,ptj->npt", weights.to(self.joints.dtype), self.joints)
        cross = torch.einsum("nj,ptj->npt", weights * points, self.joints.conj())
        own = torch.einsum("nj,ptj->npt", weights, self.joints.abs().square()) - means.abs().square()
        size = (weights * points.abs().square()).sum(1).clamp(min=1e-6)[:, None, None]
        own = own.clamp(min=1e-4)
        return cross / own, own / size

    def _starts(self, targets: Targets, scale: Tensor, pose: Tensor, turn: Tensor, upright: Tensor) -> Starts:
        tilt = torch.where(upright, 0.0, scale.angle())
        px_per_m = torch.where(upright, scale.real, scale.abs()).clamp(min=1e-2 * float(targets.box_px.min()))
        joints = self.joints[pose, turn] * torch.polar(px_per_m, tilt)[:, None]
        weights = targets.weights / targets.weights.sum(1, keepdim=True)
        off = torch.complex(targets.points_px[..., 0], targets.points_px[..., 1]) - joints
        middle = (weights * off).sum(1) / targets.frame_px
        base = stance_of(self.poses)
        root = about_axis(torch.tensor([0.0, 1, 0]).expand(len(tilt), 3), tilt) @ self.roots[pose, turn]
        return Starts(
            pose,
            Stance(base.directions[pose], base.spine[pose], base.neck[pose], root),
            View(
                torch.stack([middle.real, middle.imag], 1),
                torch.log(FOCAL_MM / SENSOR_MM * targets.frame_px / px_per_m),
                torch.full_like(tilt, FOCAL_MM).log(),
            ),
        )
