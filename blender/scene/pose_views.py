"""What every pose looks like from around, and how rare that is among known poses.

A body of average shape takes each pose, without jitter, on its supports; the camera stands as the middle of its ranges
has it and frames the whole person. The rendered people scatter about these views, with other bodies, jitter and lenses.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from dataengine.keypoints import VISIBLE
from dataengine.people import JOINTS
from dataengine.poses.known_poses import KnownPoses

from ..body.model import BodyModel
from ..geometry.rotations import about_axis
from ..poses.library import MOTION_FAMILY, Pose
from .camera import frame_points
from .params import RenderParams
from .pose_odds import VIEWS, ViewRarity, view_turns
from .spec import EYE_LEVEL_M, CameraSpec
from .stance import stand

_AVERAGE = {"age": 2 / 3, "gender": 0.5, "height": 0.5, "weight": 0.5, "muscle": 0.5, "proportions": 0.5}
_FILL, _CLEARANCE_M = 0.75, 0.6
_EVERY_FRAME = 10  # of motion capture: neighbouring frames are nearly the same pose
_DECIMALS = 4  # the last bits depend on the library that multiplies matrices


def view_rarity(params: RenderParams, poses: Sequence[Pose], model: BodyModel, known: KnownPoses) -> ViewRarity:
    """How rare each of `poses` is among `known`, from every side."""
    stands_for = _stand_ins(poses)
    looked_at, place = np.unique(stands_for, return_inverse=True)
    seen = np.array([views_of(params, poses[row], model) for row in looked_at.tolist()])
    points = seen.reshape(-1, JOINTS, 2)
    distance = known.distance(points, np.full(points.shape[:2], VISIBLE))
    table = known.rarity(distance).round(_DECIMALS).reshape(len(looked_at), VIEWS)
    return ViewRarity(tuple(map(tuple, table[place].tolist())))


def _stand_ins(poses: Sequence[Pose]) -> NDArray[np.int64]:
    """Row (poses,) of the pose that is looked at for each: itself, or the first of its block of recorded frames."""
    rows = np.arange(len(poses))
    captured = np.flatnonzero([pose.family == MOTION_FAMILY for pose in poses])
    rows[captured] = captured[np.arange(len(captured)) // _EVERY_FRAME * _EVERY_FRAME]
    return rows


def views_of(params: RenderParams, pose: Pose, model: BodyModel) -> NDArray[np.float64]:
    """Keypoints (VIEWS, 17, 2), pixels, of a pose that turns before the camera."""
    body, joints, _ = stand(pose, _AVERAGE, model.shape(_AVERAGE), model)
    onto_floor = np.append(joints[:, :2].mean(axis=0), body[:, 2].min() - pose.airborne / 2)
    size = params.width_px, params.height_px
    camera = frame_points(_middle_camera(params), (body - onto_floor)[::25], *size, clearance_m=_CLEARANCE_M)
    turns = [about_axis([0, 0, 1], turn) for turn in view_turns()]
    return np.array([camera.project((joints - onto_floor) @ turn.T)[0] for turn in turns])


def _middle_camera(params: RenderParams) -> CameraSpec:
    """The camera in the middle of its ranges, level with the eyes where they allow it, that faces a turn of 0."""
    ranges = params.camera
    return CameraSpec(
        focal_mm=float(np.exp(np.mean(np.log(ranges.focal_mm)))),
        height_m=float(np.clip(EYE_LEVEL_M, *ranges.height_m)),
        fill=_FILL,
        shift=(0.0, 0.0),
        roll_rad=0.0,
        azimuth_rad=0.0,
        ranges=ranges,
    )
