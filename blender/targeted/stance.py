"""Between `Pose` and tensors: `stance_of` for the fit, `pose_of` for everything that renders."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.spatial.transform import Rotation

from ..geometry.rotations import from_euler
from ..poses.library import Limb, Pose, Vector
from .rig import LIMBS, Stance
from .torch_rotations import unit


def stance_of(poses: Sequence[Pose]) -> Stance:
    """The poses as tensors."""
    limbs = [[(getattr(pose, limb).upper, getattr(pose, limb).lower) for limb in LIMBS] for pose in poses]
    return Stance(
        directions=unit(torch.tensor(limbs, dtype=torch.float32)),
        spine=torch.deg2rad(torch.tensor([pose.spine for pose in poses], dtype=torch.float32)),
        neck=torch.deg2rad(torch.tensor([pose.neck for pose in poses], dtype=torch.float32)),
        root=torch.tensor(np.stack([from_euler(pose.root) for pose in poses]), dtype=torch.float32),
    )


def pose_of(stance: Stance, row: int, start: Pose, name: str) -> Pose:
    """Row `row` as a `Pose` of `start`'s family.

    Hands and feet go with their limbs, as in the fit; nothing says that it still touches the floor with the
    parts that `start` does, so it has no contacts and no supports.
    """
    limbs = [
        Limb(_vector(upper), _vector(lower), None) for upper, lower in unit(stance.directions[row]).detach().numpy()
    ]
    return replace(
        start,
        name=name,
        contacts=(),
        supports=(),
        airborne=0.0,
        root=_vector(Rotation.from_matrix(stance.root[row].detach().double().numpy()).as_euler("xyz", degrees=True)),
        spine=_vector(np.rad2deg(stance.spine[row].detach().numpy())),
        neck=_vector(np.rad2deg(stance.neck[row].detach().numpy())),
        left_arm=limbs[0],
        right_arm=limbs[1],
        left_leg=limbs[2],
        right_leg=limbs[3],
    )


def _vector(values: NDArray[np.floating]) -> Vector:
    x, y, z = (round(float(value), 5) for value in values)
    return x, y, z
