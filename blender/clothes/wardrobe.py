"""Which vertices of the body a shirt, trousers, shoes or hair cover. Computed once, on the average body at rest.

The masks hold for every shape, because all shapes have the same topology. The heights and angles below were found by
eye on the average adult; metres in the template's frame (z up, origin near the hips, y to the back).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import pairwise
from typing import Self

import numpy as np
from numpy.typing import NDArray

from ..body.model import BODY_VERTICES, EYE_VERTICES, Template

Mask = NDArray[np.bool_]  # (v,)
_ARM_BONES = ("upperarm01", "upperarm02", "lowerarm01", "lowerarm02", "wrist")
_LEG_BONES = ("upperleg01", "upperleg02", "lowerleg01", "lowerleg02", "foot")
_HEAD_BONES = ("head", "neck01", "neck02", "neck03", "eye")


@dataclass(frozen=True, eq=False)
class Wardrobe:
    """Places on the template body: arrays (v,) with one value per vertex."""

    arm: NDArray[np.float64]  # 0 at the shoulder, 1 at the elbow, 2 at the wrist; -1 off the arm
    leg: NDArray[np.float64]  # 0 at the hip, 1 at the knee, 2 at the ankle; -1 off the leg
    is_head: Mask
    is_foot: Mask
    height_m: NDArray[np.float64]
    neck_m: float
    hip_m: float
    knee_m: float
    ankle_m: float
    hair: Mapping[str, Mask]  # by style
    eye_angle_rad: NDArray[np.float64]  # angle from an eyeball's front pole; 0 elsewhere

    @classmethod
    def of(cls, template: Template) -> Self:
        """Measure the template."""
        bone = template.vertex_bone
        starts = np.char.startswith
        on_arm = np.isin(bone, _ARM_BONES) | starts(bone, "finger") | starts(bone, "metacarpal")
        on_foot = np.isin(bone, ["foot"]) | starts(bone, "toe")
        on_leg = np.isin(bone, _LEG_BONES) | starts(bone, "toe")
        is_head = np.isin(bone, _HEAD_BONES)
        leg = _along_limb(template, ("upperleg01", "lowerleg01", "foot"), on_leg)
        return cls(
            arm=_along_limb(template, ("upperarm01", "lowerarm01", "wrist"), on_arm),
            leg=leg,
            is_head=is_head,
            is_foot=(on_foot & (leg > 1.9)) | starts(bone, "toe"),
            height_m=template.vertices_m[:, 2],
            neck_m=_head_of(template, "neck01")[2],
            hip_m=_head_of(template, "upperleg01.L")[2],
            knee_m=_head_of(template, "lowerleg01.L")[2],
            ankle_m=_head_of(template, "foot.L")[2],
            hair={
                "short": _scalp(template, is_head, nape_m=0.585),
                "full": _scalp(template, is_head, nape_m=0.53),
                "long": _scalp(template, is_head, nape_m=0.4) | _upper_back(template, _head_of(template, "neck01")),
            },
            eye_angle_rad=_eye_angle(template),
        )

    def top(self, sleeve: float) -> Mask:
        """A shirt with sleeves of that length (0 shoulder, 1 elbow, 2 wrist)."""
        torso = ~self.is_head & (self.leg < 0) & (self.height_m > self.hip_m + 0.02)
        return torso & (self.height_m < self.neck_m + 0.03) & (self.arm < sleeve)

    def bottom(self, length: float) -> Mask:
        """Trousers of that length (0 hip, 1 knee, 2 ankle)."""
        pelvis = (self.leg < 0) & (self.arm < 0) & (self.height_m < self.hip_m + 0.09)
        return (((self.leg >= 0) & (self.leg < length)) | pelvis) & ~self.is_head & ~self.is_foot

    def hem_m(self, length: float) -> float:
        """Height on the resting template where a garment of that length ends (0 hip, 1 knee, 2 ankle)."""
        return float(np.interp(length, (0, 1, 2), (self.hip_m, self.knee_m, self.ankle_m)))


def _head_of(template: Template, bone: str) -> NDArray[np.float64]:
    return template.bone_heads_m[template.bone_labels.index(bone)]


def _along_limb(template: Template, bones: tuple[str, ...], on_limb: Mask) -> NDArray[np.float64]:
    """Place of every vertex along the polyline through the heads of `bones`, -1 off the limb."""
    points = template.vertices_m
    left = _along_polyline(points, [_head_of(template, f"{bone}.L") for bone in bones])
    right = _along_polyline(points, [_head_of(template, f"{bone}.R") for bone in bones])
    return np.where(on_limb, np.maximum(np.where(points[:, 0] > 0, left, right), 0.0), -1.0)


def _along_polyline(points: NDArray[np.float64], knots: list[NDArray[np.float64]]) -> NDArray[np.float64]:
    """Parameter of the nearest point on a polyline: k at knot k; up to half a segment beyond both ends."""
    nearest = np.full(len(points), np.inf)
    place = np.zeros(len(points))
    last = len(knots) - 2
    for k, (start, end) in enumerate(pairwise(knots)):
        along = (points - start) @ (end - start) / ((end - start) @ (end - start))
        along = np.clip(along, -0.5 if k == 0 else 0.0, 1.5 if k == last else 1.0)
        distance = np.linalg.norm(points - (start + along[:, None] * (end - start)), axis=1)
        closer = distance < nearest
        nearest[closer], place[closer] = distance[closer], (k + along)[closer]
    return place


def _scalp(template: Template, is_head: Mask, nape_m: float) -> Mask:
    """Skin under the hair: above a hairline over the brow, behind the ears down to the nape."""
    x, y, z = template.vertices_m.T
    hairline = (z > 0.655 + 0.9 * np.maximum(0, -(y + 0.06))) | ((y > -0.02) & (z > nape_m))
    over_ears = (np.abs(x) > 0.068) & (np.abs(y + 0.03) < 0.035) & (z < 0.68)
    forehead = (y < -0.075) & (z < 0.708)
    return (np.arange(len(z)) < BODY_VERTICES) & is_head & hairline & ~over_ears & ~forehead


def _upper_back(template: Template, neck_m: NDArray[np.float64]) -> Mask:
    """Where long hair lies: behind the neck and between the shoulder blades, narrower further down."""
    x, y, z = (template.vertices_m - neck_m).T
    half_width = np.clip(0.12 + 0.25 * (z + 0.2), 0.07, 0.12)
    on_torso = (np.arange(len(z)) < BODY_VERTICES) & ~np.char.startswith(template.vertex_bone, "upperarm")
    return on_torso & (y > 0.015) & (z > -0.2) & (z < 0.1) & (np.abs(x) < half_width)


def _eye_angle(template: Template) -> NDArray[np.float64]:
    angle = np.zeros(len(template.vertices_m))
    for first, end in EYE_VERTICES:
        ball = template.vertices_m[first:end]
        spoke = ball - ball.mean(axis=0)
        angle[first:end] = np.arccos(np.clip(-spoke[:, 1] / np.linalg.norm(spoke, axis=1), -1, 1))
    return angle
