"""How far lifted joints are from the truth, in millimetres."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from dataengine.evaluation.mpjpe import mpjpe, pa_mpjpe
from dataengine.lifting.body import bone_lengths, root_of
from dataengine.lifting.lifted import LiftedTrack, lift_track
from dataengine.lifting.network import LifterNetwork
from dataengine.lifting.params import LifterParams

from .teacher_tracks import SeenTrack

MM = 1000.0


@dataclass(frozen=True)
class LiftAccuracy:
    """Over all labelled joints of some tracks."""

    mpjpe_mm: float
    """Roots aligned: half-way between the hips."""
    pa_mpjpe_mm: float
    """Turned, scaled and moved onto the truth frame by frame (Procrustes)."""
    bone_change_mm: float
    """Mean standard deviation of a bone's length along a track: a body's do not change."""
    frames: int


def lift_accuracy(net: LifterNetwork, params: LifterParams, seen: Sequence[SeenTrack]) -> LiftAccuracy:
    """That of a lifter on tracks whose truth is known; NaN and 0 frames where none is."""
    known = [each for each in seen if each.truth_m is not None]
    return accuracy_of(known, [lift_track(net, params, each.track) for each in known])


def accuracy_of(seen: Sequence[SeenTrack], lifted: Sequence[LiftedTrack]) -> LiftAccuracy:
    """That of given lifted tracks."""
    truth, found, labelled, changes = [], [], [], []
    for each, own in zip(seen, lifted, strict=True):
        assert each.truth_m is not None
        relative = each.truth_m - root_of(each.truth_m)
        known = each.labelled & np.isfinite(relative).all(axis=-1)
        truth.append(np.nan_to_num(relative))
        found.append(own.pose_m)
        labelled.append(known)
        changes.append(bone_lengths(own.pose_m).std(axis=0))
    if not truth:
        return LiftAccuracy(float("nan"), float("nan"), float("nan"), 0)
    all_true, all_found, all_known = np.concatenate(truth), np.concatenate(found), np.concatenate(labelled)
    return LiftAccuracy(
        MM * mpjpe(all_true, all_found, all_known),
        MM * pa_mpjpe(all_true, all_found, all_known),
        MM * float(np.mean(changes)),
        len(all_true),
    )


def still_pose(seen: Sequence[SeenTrack], pose_m: NDArray[np.float64]) -> list[LiftedTrack]:
    """One and the same pose (17, 3) for every frame: what a lifter has to beat."""
    return [
        LiftedTrack(
            np.broadcast_to(pose_m, (len(each.track), *pose_m.shape)),
            np.zeros((len(each.track), 3)),
            np.zeros(each.labelled.shape),
        )
        for each in seen
    ]
