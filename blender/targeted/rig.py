"""The COCO joints of the body in torch: batched, differentiable, without its mesh.

Only the bones that a `Pose` turns are walked, as `posing.solve_orientations` walks them; all others follow rigidly.
Skinning is linear, so what a joint needs of the mesh is summed up once a shape: joint j is the sum over bones k of
R_k offset_jk + share_jk head_k. `Rig.measured` takes that from exact bodies, `ShapeSpace` is linear between them.

Frame as in body/model.py: x left, y back, z up; metres.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Self

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from ..body.model import BodyModel, Shape
from ..poses.posing import MINIMUM_BEND, NECK, SHOULDER_SHARE, SPINE
from .torch_rotations import frame, from_euler, swing, unit

_LIMB_BONES = ("clavicle", "shoulder01", "upperarm01", "lowerarm01", "wrist", "upperleg01", "lowerleg01", "foot")
_KEY_BONES = ("root", *SPINE, *NECK, *(f"{bone}.{side}" for bone in _LIMB_BONES for side in "LR"))
LIMBS = ("left_arm", "right_arm", "left_leg", "right_leg")
AVERAGE: dict[str, float] = {"age": 0.67, "african": 0.33, "asian": 0.33, "caucasian": 0.33, "muscle": 0.5}
# Phenotypes that change proportions most; scaling the whole body looks like distance.
SHAPE_RANGE: dict[str, tuple[float, float]] = {
    "gender": (0.05, 0.95),
    "height": (0.3, 0.7),
    "weight": (0.25, 0.8),
    "proportions": (0.1, 0.9),
}


@dataclass(frozen=True, eq=False)
class Stance:
    """Poses as tensors. Hands, feet and fingers are left out: they move no COCO joint."""

    directions: Tensor  # (n, 4, 2, 3) limbs in the order of LIMBS, their upper and lower direction, of any length
    spine: Tensor  # (n, 3) radians
    neck: Tensor  # (n, 3) radians
    root: Tensor  # (n, 3, 3)


@dataclass(frozen=True, eq=False)
class Rig:
    """The quantities that decide the joints of n shapes, or of one shape for all people (n = 1)."""

    labels: tuple[str, ...]  # of the k bones that are walked, parents first
    parents: tuple[int, ...]
    heads_m: Tensor  # (n, k, 3)
    offsets_m: Tensor  # (n, 17, k, 3) of a joint from the bone's head, times the bone's share
    shares: Tensor  # (17, k)

    @classmethod
    def measured(cls, model: BodyModel, shapes: Sequence[Shape]) -> Self:
        """The rig of exact shapes at rest."""
        skinning, skeleton = model.joint_skinning(), shapes[0].skeleton
        walked = [index for index, label in enumerate(skeleton.labels) if label in _KEY_BONES]
        place = {bone: row for row, bone in enumerate(walked)}
        key = np.zeros(len(skeleton.labels), dtype=np.int64)
        for bone, parent in enumerate(skeleton.parents):
            key[bone] = place[bone] if bone in place else key[parent]
        cell = skinning.joint, key[skinning.bone]
        shares = np.zeros((17, len(walked)))
        np.add.at(shares, cell, skinning.weight)
        heads = np.stack([shape.skeleton.heads_m[walked] for shape in shapes])
        offsets = np.zeros((len(shapes), 17, len(walked), 3))
        for row, shape in enumerate(shapes):
            np.add.at(offsets[row], cell, skinning.weight[:, None] * shape.unskinned_m[skinning.vertex])
        offsets -= shares[..., None] * heads[:, None]
        parents = tuple(-1 if skeleton.parents[bone] < 0 else int(key[skeleton.parents[bone]]) for bone in walked)
        labels = tuple(skeleton.labels[bone] for bone in walked)
        return cls(labels, parents, _tensor(heads), _tensor(offsets), _tensor(shares))

    def joints(self, stance: Stance) -> Tensor:
        """COCO joints (n, 17, 3); the root's head stays where it is at rest."""
        turns = self.turns(stance)
        rotations = [stance.root @ turn for turn in turns]
        heads = [self.heads_m[:, 0].expand(len(stance.root), 3)]
        for bone in range(1, len(self.labels)):
            parent = self.parents[bone]
            reach = self.heads_m[:, bone] - self.heads_m[:, parent]
            heads.append(heads[parent] + (rotations[parent] @ reach[..., None])[..., 0])
        turned = torch.einsum(
            "nkab,njkb->nja", torch.stack(rotations, 1), self.offsets_m.expand(len(heads[0]), -1, -1, -1)
        )
        return turned + torch.einsum("jk,nka->nja", self.shares, torch.stack(heads, 1))

    def turns(self, stance: Stance) -> list[Tensor]:
        """Rotation (n, 3, 3) of every walked bone away from rest, before the root's own: `posing._bone_turn`."""
        n = len(stance.root)
        spine, neck = from_euler(stance.spine / len(SPINE)), from_euler(stance.neck / len(NECK))
        directions = unit(stance.directions)
        turns: list[Tensor] = []
        chest = torch.eye(3).expand(n, 3, 3)
        for label, parent in zip(self.labels, self.parents, strict=True):
            inherited = turns[parent] if parent >= 0 else torch.eye(3).expand(n, 3, 3)
            bone, _, side = label.partition(".")
            if label in SPINE:
                turns.append(inherited @ spine)
                chest = turns[-1]
            elif label in NECK:
                turns.append(inherited @ neck)
            elif not side or bone in ("wrist", "foot"):
                turns.append(inherited)
            elif "leg" in bone:
                turns.append(self._leg_turn(bone, side, directions[:, 2 + "LR".index(side)], inherited))
            else:
                arm = directions[:, "LR".index(side)] @ chest.transpose(1, 2)
                turns.append(self._arm_turn(bone, side, arm, inherited))
        return turns

    def _arm_turn(self, bone: str, side: str, arm: Tensor, inherited: Tensor) -> Tensor:
        upper_rest = self._direction(f"upperarm01.{side}", f"lowerarm01.{side}")
        lower_rest = self._direction(f"lowerarm01.{side}", f"wrist.{side}")
        upper, lower = arm[:, 0], arm[:, 1]
        if bone in SHOULDER_SHARE:
            return swing(_times(inherited, upper_rest), upper, SHOULDER_SHARE[bone]) @ inherited
        if bone == "lowerarm01":
            return swing(_times(inherited, lower_rest), lower) @ inherited
        straight = swing(_times(inherited, upper_rest), upper) @ inherited
        return _bent_or(straight, upper, lower, upper_rest, torch.linalg.cross(upper_rest, lower_rest))

    def _leg_turn(self, bone: str, side: str, leg: Tensor, inherited: Tensor) -> Tensor:
        upper, lower = leg[:, 0], leg[:, 1]
        if bone == "lowerleg01":
            return swing(_times(inherited, self._direction(f"lowerleg01.{side}", f"foot.{side}")), lower) @ inherited
        rest = self._direction(f"upperleg01.{side}", f"lowerleg01.{side}")
        return _bent_or(
            swing(rest.expand_as(upper), upper), upper, lower, rest, torch.tensor([1.0, 0, 0]).expand_as(rest)
        )

    def _direction(self, start: str, end: str) -> Tensor:
        return unit(self.heads_m[:, self.labels.index(end)] - self.heads_m[:, self.labels.index(start)])


class ShapeSpace:
    """Rigs of bodies between the ends of SHAPE_RANGE, linear in each phenotype: approximate, and differentiable."""

    def __init__(self, model: BodyModel) -> None:
        middles = {name: (low + high) / 2 for name, (low, high) in SHAPE_RANGE.items()}
        ends = [{**middles, name: end} for name, reach in SHAPE_RANGE.items() for end in reach]
        shapes = [model.shape(phenotype_of(values)) for values in (middles, *ends)]
        self._rig = Rig.measured(model, shapes)

    def at(self, shares: Tensor) -> Rig:
        """Rigs for shares (n, 4) of SHAPE_RANGE: -1 and 1 are its ends, 0 its middle."""
        rig = self._rig
        return Rig(rig.labels, rig.parents, _mixed(rig.heads_m, shares), _mixed(rig.offsets_m, shares), rig.shares)


def phenotype_of(values: Mapping[str, float]) -> dict[str, float]:
    """All of Anny's parameters, given those of SHAPE_RANGE."""
    return {**AVERAGE, **values}


def phenotypes_at(shares: NDArray[np.floating]) -> list[dict[str, float]]:
    """The phenotypes of shares (n, 4)."""
    return [
        {
            name: float((low + high) / 2 + share * (high - low) / 2)
            for share, (name, (low, high)) in zip(row, SHAPE_RANGE.items(), strict=True)
        }
        for row in np.clip(shares, -1, 1)
    ]


def _mixed(measured: Tensor, shares: Tensor) -> Tensor:
    """Middle, then both ends of each phenotype (9, ...), mixed by shares (n, 4)."""
    way = (measured[2::2] - measured[1::2]) / 2
    return measured[0] + torch.tensordot(shares, way, dims=1)


def _bent_or(straight: Tensor, upper: Tensor, lower: Tensor, rest: Tensor, rest_axis: Tensor) -> Tensor:
    """The turn that also brings the hinge's axis where it belongs, where the limb is bent enough to have one."""
    axis = torch.linalg.cross(upper, lower)
    bent = frame(upper, axis) @ frame(rest, rest_axis).transpose(1, 2)
    return torch.where((axis.norm(dim=1) > MINIMUM_BEND)[:, None, None], bent, straight)


def _times(rotation: Tensor, vector: Tensor) -> Tensor:
    return (rotation @ vector[..., None])[..., 0]


def _tensor(values: NDArray[np.float64]) -> Tensor:
    return torch.tensor(values, dtype=torch.float32)
