"""What a lifter makes of a track: the whole of it at once, with its mirror image (Pavllo et al., appendix A.5)."""

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from dataengine.errors import InputError

from .body import mirrored_joints
from .losses import projected
from .network import LifterNetwork
from .observed import RayTrack
from .params import LifterParams
from .rays import normalised

FARTHEST_RAY = 1e6  # from the optical axis: as good as at a right angle to it


@dataclass(frozen=True, eq=False)
class LiftedTrack:
    """One person in space over f frames. The camera's frame: x right, y down, z forward, metres."""

    pose_m: NDArray[np.float64]
    """(f, 17, 3) from the root, half-way between the hips."""
    root_m: NDArray[np.float64]
    """(f, 3); its size and distance are a guess from the size of people: one camera does not show them."""
    residual: NDArray[np.float64]
    """(f, 17) distance of the reprojected joint from the ray, in spreads of the person; NaN without an answer."""

    @property
    def joints_m(self) -> NDArray[np.float64]:
        """(f, 17, 3)"""
        return self.pose_m + self.root_m[:, None]


def lift_track(net: LifterNetwork, params: LifterParams, track: RayTrack) -> LiftedTrack:
    """The track in space: as many frames as it has, its first and last repeated where the receptive field needs more.

    Joints that are missing are lifted as well, from the others and from the frames around.

    Raises:
        InputError: a joint is further off than `FARTHEST_RAY`; 32 bits would not hold what comes of it.
    """
    far = np.abs(track.rays, where=np.isfinite(track.rays), out=np.zeros_like(track.rays)).max()
    if far > FARTHEST_RAY:
        expected = "joints in or near the picture, and cameras whose focal length is in pixels"
        raise InputError("a track cannot be lifted", expected=expected, got=f"rays of up to {far:.3g}")
    plain = _placed(net, params, track.rays, track.confidence)
    both = np.concatenate([track.rays, track.confidence[..., None]], axis=-1)
    mirror = mirrored_joints(both)
    pose, root = _placed(net, params, mirror[..., :2], mirror[..., 2])
    pose_m = (plain[0] + mirrored_joints(pose)) / 2
    root_m = (plain[1] + root * [-1, 1, 1]) / 2
    joints = pose_m + root_m[:, None]
    rays = projected(torch.from_numpy(joints)).numpy()
    spread = normalised(rays[None], np.ones((1, *rays.shape[:2]))).spread[0].astype(np.float64)
    residual = np.linalg.norm(_settled(rays, track) - track.rays, axis=-1) / spread[:, None]
    return LiftedTrack(pose_m, root_m, residual)


def _settled(rays: NDArray[np.float64], track: RayTrack) -> NDArray[np.float64]:
    """Reprojected joints (f, 17, 2), moved in each frame by the median offset: the root's error is taken out."""
    there = np.isfinite(track.rays).all(axis=-1) & (track.confidence > 0)
    offset = np.where(there[..., None], track.rays - rays, np.nan)
    offset[~there.any(axis=1)] = 0.0
    return rays + np.nanmedian(offset, axis=1, keepdims=True)


def _placed(
    net: LifterNetwork, params: LifterParams, rays: NDArray[np.float64], confidence: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Pose (f, 17, 3) and root (f, 3)."""
    before, after = padding(params)
    at = np.clip(np.arange(-before, len(rays) + after), 0, len(rays) - 1)
    seen = normalised(rays[at][None], confidence[at][None])
    inner = slice(before, before + len(rays))
    tensors: list[Tensor] = [
        torch.from_numpy(each) for each in (seen.inputs, seen.middle[:, inner], seen.spread[:, inner])
    ]
    with torch.inference_mode():
        placed = net(*tensors)
    return placed.pose_m[0].numpy().astype(np.float64), placed.root_m[0].numpy().astype(np.float64)


def padding(params: LifterParams) -> tuple[int, int]:
    """Frames of padding before the first and after the last frame of a track."""
    reach = params.receptive_field - 1
    return (reach, 0) if params.causal else (reach // 2, reach // 2)
