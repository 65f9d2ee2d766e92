"""From a `Pose` to the orientation of every bone, for any body shape.

A pose says where bones point; a rest skeleton says where they point at rest. `solve_orientations` walks the tree from
the root and gives each bone the rotation that its role requires: the bones of the spine and of the neck share their
turn, collar bones take part of the arm's swing, elbows and knees turn about the axis about which they bend, all other
bones follow their parent. `settle_on_contacts` tips the finished body until two of its parts touch the floor.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ..geometry.rotations import Matrix, about_axis, cross, frame, from_euler, swing, unit
from .library import Limb, Pose

SPINE = ("spine05", "spine04", "spine03", "spine02", "spine01")
NECK = ("neck01", "neck02", "neck03", "head")
SHOULDER_SHARE = {"clavicle": 0.18, "shoulder01": 0.15}  # by eye: shoulders rise with raised arms
MINIMUM_BEND = 0.15  # sine of the elbow or knee angle below which the bending axis is too ill-defined


@dataclass(frozen=True, eq=False)
class RestSkeleton:
    """The skeleton of one body shape at rest. Frame: x left, y back, z up; metres."""

    labels: tuple[str, ...]
    parents: tuple[int, ...]  # index of the parent bone, -1 for the root; parents come before children
    heads_m: NDArray[np.float64]  # (bones, 3)
    orientations: NDArray[np.float64]  # (bones, 3, 3)

    def direction(self, start: str, end: str) -> NDArray[np.float64]:
        """Unit vector from the head of one bone to the head of another."""
        return unit(self.heads_m[self.labels.index(end)] - self.heads_m[self.labels.index(start)])


def solve_orientations(pose: Pose, rest: RestSkeleton) -> NDArray[np.float64]:
    """World orientation of every bone as (bones, 4, 4) transforms without translation."""
    turns: list[Matrix] = []
    chest = np.eye(3)
    for label, parent in zip(rest.labels, rest.parents, strict=True):
        inherited = turns[parent] if parent >= 0 else np.eye(3)
        turns.append(_bone_turn(label, pose, rest, inherited, chest))
        if label == SPINE[-1]:
            chest = turns[-1]
    transforms = np.tile(np.eye(4), (len(turns), 1, 1))
    transforms[:, :3, :3] = from_euler(pose.root) @ np.stack(turns) @ rest.orientations
    return transforms


def bent_spine(spine_degrees: ArrayLike) -> Matrix:
    """Rotation of the chest relative to the pelvis for a pose's `spine`: each vertebra takes an equal part."""
    return np.linalg.matrix_power(from_euler(np.asarray(spine_degrees) / len(SPINE)), len(SPINE))


def settle_on_contacts(
    vertices_m: NDArray[np.float64], groups: tuple[NDArray[np.int64], NDArray[np.int64]], *, iterations: int = 6
) -> Matrix:
    """Rotation that brings the lowest vertex of both groups to one height. vertices_m (v, 3), groups of indices."""
    total = np.eye(3)
    for _ in range(iterations):  # the lowest vertex of a group changes while the body tips
        turned = vertices_m @ total.T
        # the middle of a group, at its lowest height: two symmetric hands then do not roll the body sideways
        first, second = (np.array([*turned[group, :2].mean(axis=0), turned[group, 2].min()]) for group in groups)
        reach = second - first
        level = np.array([reach[0], reach[1], 0.0])
        if np.linalg.norm(level) < 1e-3:
            break
        total = swing(reach, level) @ total
    return total


def _bone_turn(label: str, pose: Pose, rest: RestSkeleton, inherited: Matrix, chest: Matrix) -> Matrix:
    """Rotation of one bone away from rest, before the root's own turn."""
    if label in SPINE:
        return inherited @ from_euler(np.asarray(pose.spine) / len(SPINE))
    if label in NECK:
        return inherited @ from_euler(np.asarray(pose.neck) / len(NECK))
    bone, _, side = label.partition(".")
    if side not in ("L", "R"):
        return inherited
    arm, leg = (pose.left_arm, pose.left_leg) if side == "L" else (pose.right_arm, pose.right_leg)
    if bone in ("clavicle", "shoulder01", "upperarm01", "lowerarm01", "wrist"):
        return _arm_turn(bone, side, arm, rest, inherited, chest)
    if bone in ("upperleg01", "lowerleg01", "foot"):
        return _leg_turn(bone, side, leg, rest, inherited)
    if bone.startswith("finger") and not bone.startswith("finger1"):
        return _finger_turn(bone, side, pose.curl, rest, inherited)
    return inherited


def _arm_turn(bone: str, side: str, arm: Limb, rest: RestSkeleton, inherited: Matrix, chest: Matrix) -> Matrix:
    upper_rest = rest.direction(f"upperarm01.{side}", f"lowerarm01.{side}")
    lower_rest = rest.direction(f"lowerarm01.{side}", f"wrist.{side}")
    upper, lower = chest @ unit(arm.upper), chest @ unit(arm.lower)
    if bone in SHOULDER_SHARE:
        return swing(inherited @ upper_rest, upper, SHOULDER_SHARE[bone]) @ inherited
    if bone == "upperarm01":
        axis = cross(upper, lower)
        if np.linalg.norm(axis) > MINIMUM_BEND:
            return frame(upper, axis) @ frame(upper_rest, cross(upper_rest, lower_rest)).T
        return swing(inherited @ upper_rest, upper) @ inherited
    if bone == "lowerarm01":
        return swing(inherited @ lower_rest, lower) @ inherited
    if arm.end is None:
        return inherited
    return swing(inherited @ rest.direction(f"wrist.{side}", f"finger3-1.{side}"), chest @ unit(arm.end)) @ inherited


def _leg_turn(bone: str, side: str, leg: Limb, rest: RestSkeleton, inherited: Matrix) -> Matrix:
    upper, lower = unit(leg.upper), unit(leg.lower)
    if bone == "upperleg01":
        rest_direction = rest.direction(f"upperleg01.{side}", f"lowerleg01.{side}")
        axis = cross(upper, lower)
        if np.linalg.norm(axis) > MINIMUM_BEND:
            return frame(upper, axis) @ frame(rest_direction, [1.0, 0.0, 0.0]).T  # knees bend about x at rest
        return swing(rest_direction, upper)
    if bone == "lowerleg01":
        return swing(inherited @ rest.direction(f"lowerleg01.{side}", f"foot.{side}"), lower) @ inherited
    if leg.end is None:
        return inherited
    return swing(inherited @ rest.direction(f"foot.{side}", f"toe3-1.{side}"), unit(leg.end)) @ inherited


def _finger_turn(bone: str, side: str, curl_degrees: float, rest: RestSkeleton, inherited: Matrix) -> Matrix:
    knuckles = rest.direction(f"finger5-1.{side}", f"finger2-1.{side}")  # across the palm: fingers curl about it
    share = 0.7 if bone.endswith("3") else 1.0
    sign = -1.0 if side == "L" else 1.0
    return inherited @ about_axis(knuckles, sign * share * float(np.deg2rad(curl_degrees)))
