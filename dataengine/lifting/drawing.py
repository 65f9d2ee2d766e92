"""Training windows: people of `motions` before cameras that are drawn for each window, seen with measured errors."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from .body import mirrored_joints, root_of
from .motions import Motions
from .observed import MeasuredErrors, RayTrack
from .params import LifterParams, VirtualCameras
from .rays import Normalised, normalised

NEAREST_M = 0.4  # of any joint to the camera
MOST_MISSING = 4  # joints at once


@dataclass(frozen=True, eq=False)
class LabelledWindows:
    """n windows of f frames, and the truth of their middle (causal: last) frames."""

    seen: Normalised
    joints_m: NDArray[np.float32]
    """(n, 17, 3) in the camera's frame."""


def draw_windows(
    motions: Motions, errors: MeasuredErrors, params: LifterParams, windows: int, rng: np.random.Generator
) -> LabelledWindows:
    """Windows of `params.receptive_field` frames, half of them of mirrored people."""
    frames = params.receptive_field
    asked = frames - 1 if params.causal else frames // 2
    seconds = motions.seconds()
    share = np.diff(motions.first) / len(motions.joints_m)
    motion = rng.choice(len(motions), size=windows, p=share)
    rate = _log_uniform(params.rate_fps, windows, rng)
    time_s = rng.random(windows)[:, None] * seconds[motion][:, None] + (np.arange(frames) - asked) / rate[:, None]
    joints = motions.at(motion, time_s)
    mirror = rng.random(windows) < 0.5
    joints[mirror] = mirrored_joints(joints[mirror])
    placed = before_cameras(joints, time_s - time_s[:, asked : asked + 1], asked, params.cameras, rng)
    rays = placed[..., :2] / placed[..., 2:]
    spread = normalised(rays, np.ones(rays.shape[:3], dtype=rays.dtype)).spread
    off, confidence = errors.drawn(windows, frames, rng)
    missing = _missing(windows, frames, params.missing_share, rng)
    seen = normalised(rays + off * spread[..., None, None], np.where(missing, np.float32(0), confidence))
    return LabelledWindows(seen, placed[:, asked].astype(np.float32))


def before_cameras(
    joints_m: NDArray[np.floating],
    time_s: NDArray[np.float64],
    asked: int,
    cameras: VirtualCameras,
    rng: np.random.Generator,
) -> NDArray[np.floating]:
    """World joints (n, f, 17, 3) in the frames of cameras drawn for each window; none is nearer than `NEAREST_M`.

    At frame `asked`, time 0 of `time_s` (n, f), the root is at the drawn distance and direction.
    """
    n = len(joints_m)
    azimuth = rng.uniform(0, 2 * np.pi, n)[:, None] + np.deg2rad(rng.normal(0, cameras.turn_deg_s, n))[:, None] * time_s
    pitch = np.deg2rad(rng.uniform(*cameras.pitch_deg, size=n))[:, None]
    roll = np.deg2rad(rng.normal(0, cameras.roll_deg, n))[:, None]
    depth = _log_uniform(cameras.distance_m, n, rng)
    aside = rng.uniform(-cameras.off_axis, cameras.off_axis, (n, 2))
    turns = camera_turns(azimuth, pitch, roll).astype(joints_m.dtype)
    turned = (joints_m - root_of(joints_m)[:, asked, None]) @ turns.swapaxes(-1, -2)
    depth = np.maximum(depth, NEAREST_M - turned[..., 2].min(axis=(1, 2)))
    place = np.concatenate([aside, np.ones((n, 1))], axis=1) * depth[:, None]
    return np.asarray(turned + place[:, None, None].astype(joints_m.dtype))


def camera_turns(
    azimuth: NDArray[np.float64], pitch: NDArray[np.float64], roll: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Rotations (n, f, 3, 3) from the world (z up) to cameras (x right, y down, z forward).

    A camera stands at `azimuth` (n, f) around the person and looks down by `pitch`, then is rolled (both (n, 1)).
    """
    sa, ca, sp, cp, sr, cr = (f(a) for a in np.broadcast_arrays(azimuth, pitch, roll) for f in (np.sin, np.cos))
    zero = np.zeros_like(sa)
    right = np.stack([ca, sa, zero], axis=-1)
    forward = np.stack([-sa * cp, ca * cp, -sp], axis=-1)
    down = np.cross(forward, right)
    x = cr[..., None] * right + sr[..., None] * down
    y = -sr[..., None] * right + cr[..., None] * down
    return np.stack([x, y, forward], axis=-2)


def window_of_tracks(
    tracks: list[RayTrack], params: LifterParams, windows: int, rng: np.random.Generator
) -> tuple[Normalised, NDArray[np.float32], NDArray[np.float32]]:
    """Windows of tracks without labels, half of them mirrored, padded at their ends as `lifted` pads them.

    Returns them, and the rays (n, 17, 2) and confidence (n, 17) of the frames that are asked for.
    """
    frames = params.receptive_field
    asked = frames - 1 if params.causal else frames // 2
    lengths = np.array([len(track) for track in tracks])
    picked = rng.choice(len(tracks), size=windows, p=lengths / lengths.sum())
    rays, confidence = np.empty((windows, frames, 17, 2)), np.empty((windows, frames, 17))
    for row, (number, place) in enumerate(zip(picked, rng.random(windows), strict=True)):
        at = np.clip(int(place * lengths[number]) + np.arange(frames) - asked, 0, lengths[number] - 1)
        both = np.concatenate([tracks[number].rays[at], tracks[number].confidence[at][..., None]], axis=-1)
        if row % 2:
            both = mirrored_joints(both)
        rays[row], confidence[row] = both[..., :2], both[..., 2]
    seen = normalised(rays, confidence)
    there = np.isfinite(rays[:, asked]).all(axis=-1)
    sure = np.where(there, np.nan_to_num(confidence[:, asked]), 0.0)
    return seen, np.nan_to_num(rays[:, asked]).astype(np.float32), sure.astype(np.float32)


def _log_uniform(bounds: tuple[float, float], n: int, rng: np.random.Generator) -> NDArray[np.float64]:
    low, high = np.log(bounds).tolist()
    return np.asarray(np.exp(rng.uniform(low, high, size=n)))


def _missing(windows: int, frames: int, share: float, rng: np.random.Generator) -> NDArray[np.bool_]:
    """(n, f, 17) joints that are not seen for a stretch of some windows."""
    missing = np.zeros((windows, frames, 17), dtype=bool)
    for row in np.flatnonzero(rng.random(windows) < share):
        joints = rng.choice(17, size=int(rng.integers(1, MOST_MISSING + 1)), replace=False)
        start, end = np.sort(rng.integers(0, frames + 1, 2))
        missing[row, start : end + 1, joints] = True
    return missing
