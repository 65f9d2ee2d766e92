"""From motion capture to poses: where a BVH skeleton's limbs point, as poses of the pose library's kind.

Only directions between joints are used, so any skeleton fits any body, and files whose joints rest in other axes than
they move in (many do) need no special care. What positions do not show is lost: where the face looks, how a forearm is
turned. `read_motion` gives one `Pose` per frame. Joints are found by the names in common use (Mixamo and Rokoko, CMU);
a file with other names is refused, and the message lists the missing joints.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy.spatial.transform import Rotation

from dataengine.errors import InputError

from ..geometry.rotations import swing, unit
from .bvh import Bvh, read_bvh
from .library import MOTION_FAMILY, Limb, Pose, Vector
from .posing import bent_spine

Positions = NDArray[np.float64]

# What each part is called: Mixamo, Rokoko and MotionBuilder; CMU's conversion for Poser. Lower case.
_NAMES: Mapping[str, tuple[str, ...]] = {
    "neck": ("neck",),
    "head": ("head",),
    **{
        f"{side}_{part}": tuple(f"{side}{name}" for name in names)
        for side in ("left", "right")
        for part, names in (
            ("shoulder", ("arm", "shoulder")),
            ("elbow", ("forearm", "elbow")),
            ("wrist", ("hand", "wrist")),
            ("hip", ("upleg", "hip")),
            ("knee", ("leg", "knee")),
            ("ankle", ("foot", "ankle")),
            ("toe", ("toebase", "toe")),
        )
    },
}
_LEG_M = 0.85  # hip to ankle of a medium body: turns the file's unit into metres
_NECK_BEND_RAD = float(np.deg2rad(50))  # about what people reach; rigs whose head is only a handle reach further
_FLIGHT_M = 0.05  # feet this near the floor stand on it


@dataclass(frozen=True, eq=False)
class Motion:
    """A clip as poses."""

    poses: tuple[Pose, ...]
    frame_seconds: float


def read_motions(paths: Sequence[str]) -> tuple[Pose, ...]:
    """The poses of several recordings, one after the other."""
    return tuple(pose for path in paths for pose in read_motion(Path(path)).poses)


def read_motion(path: Path) -> Motion:
    """The recording in a BVH file, one pose per frame, named ``<file>:<frame>``.

    Raises `InputError` if the file is malformed or lacks a joint that a pose needs.
    """
    bvh = read_bvh(path)
    joints = _find_joints(bvh, path)
    positions = bvh.positions()
    placed = positions @ _to_body_frame(positions, joints).T
    joints |= {"middle": _middle_of_spine(bvh, joints), "crown": _crown(bvh, joints["head"])}
    heights = _heights_m(placed, joints)
    poses = tuple(
        _pose(f"{path.stem}:{frame}", {part: placed[frame, index] for part, index in joints.items()}, heights[frame])
        for frame in range(len(placed))
    )
    return Motion(poses, bvh.frame_seconds)


def _find_joints(bvh: Bvh, path: Path) -> dict[str, int]:
    known = {joint.name.lower().rpartition(":")[2]: index for index, joint in enumerate(bvh.joints)}
    # both vocabularies have a "LeftShoulder": Mixamo's is the collar bone, and has an "LeftArm" below it
    found = {part: next((known[n] for n in names if n in known), -1) for part, names in _NAMES.items()}
    missing = [part for part, index in found.items() if index < 0]
    if missing:
        raise InputError(
            f"{path} lacks joints that a pose needs",
            expected="names such as LeftUpLeg, LeftLeg, LeftFoot, LeftToeBase, LeftArm, LeftForeArm, LeftHand, Neck",
            got="no " + ", ".join(missing),
            fix="rename the joints in the file's HIERARCHY",
        )
    return found


def _to_body_frame(positions: Positions, joints: Mapping[str, int]) -> NDArray[np.float64]:
    """Rotation (3, 3) from the file's axes to x left, y back, z up. Up is the axis along which heads are highest."""
    rise = positions[:, joints["head"]] - positions[:, [joints["left_ankle"], joints["right_ankle"]]].mean(axis=1)
    if abs(np.median(rise[:, 1])) >= abs(np.median(rise[:, 2])):
        return np.array([[1.0, 0, 0], [0, 0, -1], [0, 1, 0]])  # y up, facing z
    return np.eye(3)  # z up, facing -y


def _middle_of_spine(bvh: Bvh, joints: Mapping[str, int]) -> int:
    """The joint half-way between hips and neck."""
    chain = [joints["neck"]]
    while bvh.joints[chain[-1]].parent >= 0:
        chain.append(bvh.joints[chain[-1]].parent)
    return chain[len(chain) // 2]


def _crown(bvh: Bvh, head: int) -> int:
    """The end of the head's bone; the head's joint itself where the file ends there."""
    return next((index for index, joint in enumerate(bvh.joints) if joint.parent == head), head)


def _heights_m(placed: Positions, joints: Mapping[str, int]) -> NDArray[np.float64]:
    """How high the lower foot is above the clip's floor (f,), in metres of a medium body."""
    feet = placed[:, [joints[f"{side}_{part}"] for side in ("left", "right") for part in ("ankle", "toe")], 2]
    leg = sum(
        np.linalg.norm(placed[0, joints[f"left_{a}"]] - placed[0, joints[f"left_{b}"]])
        for a, b in (("hip", "knee"), ("knee", "ankle"))
    )
    lowest = feet.min(axis=1)
    return np.asarray((lowest - np.quantile(lowest, 0.02)) * _LEG_M / max(float(leg), 1e-6))


def _pose(name: str, at: Mapping[str, NDArray[np.float64]], height_m: float) -> Pose:
    hips = (at["left_hip"] + at["right_hip"]) / 2
    pelvis = _frame(at["left_hip"] - at["right_hip"], at["middle"] - hips)
    chest = _frame(at["left_shoulder"] - at["right_shoulder"], at["neck"] - at["middle"])
    spine = _degrees(pelvis.T @ chest)
    chest_of_pose = pelvis @ bent_spine(spine)  # what the solver makes of these angles: arms then point exactly
    arms = [_limb(at, side, ("shoulder", "elbow", "wrist"), chest_of_pose) for side in ("left", "right")]
    legs = [_limb(at, side, ("hip", "knee", "ankle", "toe"), pelvis) for side in ("left", "right")]
    return Pose(
        name=name,
        family=MOTION_FAMILY,
        left_arm=arms[0],
        right_arm=arms[1],
        left_leg=legs[0],
        right_leg=legs[1],
        root=_degrees(pelvis),
        spine=spine,
        neck=_degrees(_neck_turn(chest.T @ unit(at["crown"] - at["neck"]))),
        airborne=float(height_m) if height_m > _FLIGHT_M else 0.0,
    )


def _neck_turn(direction: NDArray[np.float64]) -> NDArray[np.float64]:
    """The turn that lets the head point in `direction` (3,) of the chest's frame, as far as a neck bends."""
    angle = float(np.arccos(np.clip(direction[2], -1, 1)))
    return swing([0, 0, 1], direction, min(1.0, _NECK_BEND_RAD / max(angle, 1e-9)))


def _limb(at: Mapping[str, NDArray[np.float64]], side: str, parts: Sequence[str], frame: NDArray[np.float64]) -> Limb:
    points = [at[f"{side}_{part}"] for part in parts]
    directions = [_vector(frame.T @ unit(end - start)) for start, end in pairwise(points)]
    return Limb(directions[0], directions[1], directions[2] if len(directions) > 2 else None)


def _frame(left: NDArray[np.float64], up: NDArray[np.float64]) -> NDArray[np.float64]:
    """Rotation (3, 3) whose columns are the body's left, back and up."""
    x = unit(left)
    y = unit(np.cross(up, x))
    return np.stack([x, y, np.cross(x, y)], axis=1)


def _degrees(rotation: NDArray[np.float64]) -> Vector:
    """Angles about the fixed axes x, then y, then z, degrees, as `rotations.from_euler` takes them."""
    return _vector(Rotation.from_matrix(rotation).as_euler("xyz", degrees=True))


def _vector(values: NDArray[np.float64]) -> Vector:
    x, y, z = values.tolist()
    return x, y, z
