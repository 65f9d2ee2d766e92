"""People who are a limb that swings: its angle is the pose, and its time is known."""

from dataclasses import fields
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from dataengine.train.pretext.films import FollowedFilm, bordered
from dataengine.train.pretext.fitting import crop_spec
from dataengine.train.pretext.params import PretrainParams

from ...helpers.fitting_project import TINY

FPS, SWEEP_S = 30, 1.0
_OWN: dict[str, Any] = {field.name: getattr(TINY, field.name) for field in fields(TINY)}
PARAMS = PretrainParams(
    **{
        **_OWN,
        **{"epochs": 2, "people_per_epoch": 720, "batch": 48, "learning_rate": 0.003, "crop_padding": 1.25},
    },
    order_gap_s=(0.1, 0.4),
    margin_s=0.1,
)


def drawn(angle_deg: float, camera: int, rng: np.random.Generator, size: int = 40) -> np.ndarray:
    """A limb in a noisy picture; the second camera sees it turned by a quarter, in another colour."""
    image = rng.integers(0, 60, (size, size, 3)).astype(np.uint8)
    angle = np.deg2rad(angle_deg + 90 * camera)
    middle = np.array([size / 2, size / 2])
    tip = middle + 0.35 * size * np.array([np.sin(angle), -np.cos(angle)])
    colour = [(255, 255, 255), (40, 255, 160)][camera]
    start, end = (tuple(int(v) for v in np.round(at)) for at in (middle, tip))
    cv2.line(image, start, end, colour, max(2, size // 10))
    return image


def angles(seconds: float) -> np.ndarray:
    """Degrees of every frame: to and fro, a second each way, never twice the same in one sweep."""
    sweeps = np.arange(round(seconds * FPS)) / FPS / SWEEP_S
    return np.asarray(-60 + 120 * np.abs((sweeps + 1) % 2 - 1))


def film(name: str, camera: int = 0, seconds: float = 4.0, *, shuffled: bool = False, size: int = 0) -> FollowedFilm:
    """A followed film of one person; `shuffled` frames have no order that could be learnt."""
    rng = np.random.default_rng([camera, 1])
    poses = angles(seconds)
    if shuffled:
        poses = np.random.default_rng([camera, 2]).permutation(poses)
    side = size or bordered(crop_spec(PARAMS)).width_px
    n = len(poses)
    crops = np.stack([drawn(pose, camera, rng, side) for pose in poses])
    return FollowedFilm(
        Path(name), name, np.arange(n), np.arange(n) / FPS, np.zeros(n, dtype=np.int64), crops, 1 / FPS, 0
    )
