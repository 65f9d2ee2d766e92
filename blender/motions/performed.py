"""What the people of a clip do, as joints in space."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from ..body.model import BodyModel
from ..body.support import contact_vertices
from ..clips.spec import ClipSpec, Performer
from ..geometry.rotations import about_axis
from ..poses.blending import eased
from ..poses.library import MOTION_FAMILY, Pose
from ..poses.posing import settle_on_contacts, solve_orientations
from .moving_joints import MovingJoints

ABOVE_FLOOR_M = 0.08  # of an ankle's joint whose foot stands on the floor
_HIPS = (11, 12)  # rows of the COCO joints


def performed(spec: ClipSpec, time_s: NDArray[np.float64], model: BodyModel) -> list[tuple[str, NDArray[np.float64]]]:
    """For each person the name of its first pose, and its joints (f, 17, 3) in the world at times (f,)."""
    return [(each.person.pose.name, _joints(each, time_s, model)) for each in spec.performers]


def _joints(performer: Performer, time_s: NDArray[np.float64], model: BodyModel) -> NDArray[np.float64]:
    shape = model.shape(dict(performer.person.phenotype))
    moving = MovingJoints.of(model, shape)
    turn = about_axis([0, 0, 1], performer.person.turn_rad)
    solved = [solve_orientations(pose, shape.skeleton) for pose in performer.keys]
    floors = [turn @ _settled(pose, each, performer, model) for pose, each in zip(performer.keys, solved, strict=True)]
    keys = np.stack([floor @ each[moving.bones, :3, :3] for floor, each in zip(floors, solved, strict=True)])
    lifts = np.array([performer.person.lift_m if pose.airborne else 0.0 for pose in performer.keys])
    key, share = _places(performer, time_s)
    joints = moving.at(moving.between(keys, key, share))
    lift = (1 - share) * lifts[key] + share * lifts[np.minimum(key + 1, len(lifts) - 1)]
    return joints + _shift(joints, performer, time_s, lift)[:, None]


def _settled(pose: Pose, solved: NDArray[np.float64], performer: Performer, model: BodyModel) -> NDArray[np.float64]:
    if not pose.contacts:
        return np.eye(3)
    body, _ = model.posed(dict(performer.person.phenotype), solved)
    first, second = (contact_vertices(model.template, part) for part in pose.contacts)
    return settle_on_contacts(body, (first, second))


def _places(performer: Performer, time_s: NDArray[np.float64]) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Key poses (f,) and the shares (f,) of the way to the next; the last key pose is held."""
    last = len(performer.keys) - 1
    place = np.clip(time_s / performer.key_seconds, 0, last)
    key = np.minimum(place.astype(np.int64), max(last - 1, 0))
    share = place - key
    if performer.person.pose.family != MOTION_FAMILY:  # a recording has its own rhythm
        share = np.array([eased(float(each)) for each in share])
    return key, share


def _shift(
    joints: NDArray[np.float64], performer: Performer, time_s: NDArray[np.float64], lift_m: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Where each frame's joints are moved to (f, 3): the lowest near the floor, hips along the performer's way."""
    way = performer.speed_m_s * time_s[:, None] * [np.cos(performer.heading_rad), np.sin(performer.heading_rad)]
    level = way - joints[:, list(_HIPS), :2].mean(axis=1)
    height = lift_m + ABOVE_FLOOR_M - joints[..., 2].min(axis=1)
    return np.concatenate([level, height[:, None]], axis=1)


def clip_names(names: Sequence[str]) -> tuple[str, ...]:
    """The names without frames of recordings: ``jumping:17`` is ``jumping``."""
    return tuple(name.partition(":")[0] for name in names)
