"""How a crop's pixels look: colour, light, noise, blur, JPEG artefacts, weather. No pixel moves.

The changes are albumentations' transforms. They are drawn and run one by one instead of by ``albumentations.Compose``:
with the default shares a Compose takes 0.29 ms a sample and seeding it 0.16 ms more, the changes themselves 0.13 ms.
Noise is the one exception, see `_Noise`.

Adding a change: a `_Step` in `_steps`, with the share of samples that get it.
"""

import random
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from dataengine.crops.training.augment import AugmentParams

NOISE_STD = (0.02, 0.08)  # of the grey range 0..1
HAZE_STRENGTH = (0.2, 0.55)
_NOISE_BANK = 1 << 20
_NOISE_SEED = 0

Change = Callable[[NDArray[np.uint8], np.random.Generator], NDArray[np.uint8]]


@dataclass(frozen=True)
class _Step:
    share: float
    changes: tuple[Change, ...]  # one of them is drawn, all equally likely


class Photometric:
    """The chain of changes. It holds generators, so each thread needs its own."""

    def __init__(self, params: AugmentParams) -> None:
        self._steps = [step for step in _steps(params) if step.share > 0]
        self._shares = np.array([step.share for step in self._steps])

    def apply(self, crop_rgb: NDArray[np.uint8], rng: np.random.Generator) -> NDArray[np.uint8]:
        """The crop (H, W, 3), changed by random draws from `rng`."""
        chosen_steps = np.flatnonzero(rng.random(len(self._steps)) < self._shares)
        for number in chosen_steps:
            changes = self._steps[number].changes
            change = changes[0] if len(changes) == 1 else changes[int(rng.integers(len(changes)))]
            crop_rgb = change(crop_rgb, rng)
        return crop_rgb


def _steps(params: AugmentParams) -> list[_Step]:
    import albumentations as A

    share, weather = params.photometric_share, params.weather_share
    blur = share / 3 if params.blur_share is None else params.blur_share
    jpeg = share / 3 if params.jpeg_share is None else params.jpeg_share
    if not (share or weather or blur or jpeg):
        return []
    # a shifted motion blur would move the picture away from its keypoints by up to two pixels
    return [
        _Step(share, (_Drawn(A.RandomBrightnessContrast(brightness_limit=0.3, contrast_limit=0.3, p=1)),)),
        _Step(share, (_Drawn(A.HueSaturationValue(hue_shift_limit=12, sat_shift_limit=40, val_shift_limit=20, p=1)),)),
        _Step(weather, (*(_Drawn(change) for change in _weather()), _haze)),
        _Step(
            blur,
            (
                _Drawn(A.GaussianBlur(blur_limit=(3, 5), p=1)),
                _Drawn(A.MotionBlur(blur_limit=5, allow_shifted=False, p=1)),
            ),
        ),
        _Step(share / 3, (_Noise(),)),
        _Step(jpeg, (_Drawn(A.ImageCompression(quality_range=(40, 90), p=1)),)),
        _Step(share / 10, (_Drawn(A.ToGray(p=1)),)),
    ]


def _weather() -> list[Any]:
    import albumentations as A

    return [
        A.RandomRain(
            slant_range=(-15, 15), drop_length=6, drop_width=1, blur_value=3, brightness_coefficient=0.85, p=1
        ),
        A.RandomSnow(snow_point_range=(0.1, 0.3), brightness_coeff=1.8, p=1),
        A.RandomShadow(shadow_roi=(0, 0, 1, 1), num_shadows_limit=(1, 2), shadow_dimension=5, p=1),
    ]


class _Drawn:
    """An albumentations transform that takes its chance from the sample's generator."""

    def __init__(self, transform: Any) -> None:
        self._transform, self._python = transform, random.Random()

    def __call__(self, crop_rgb: NDArray[np.uint8], rng: np.random.Generator) -> NDArray[np.uint8]:
        self._python.seed(int(rng.integers(2**63)))
        self._transform.set_random_state(rng, self._python)
        return np.asarray(self._transform(image=crop_rgb)["image"], dtype=np.uint8)


@cache
def _normal_numbers() -> NDArray[np.float32]:
    return np.random.default_rng(_NOISE_SEED).standard_normal(_NOISE_BANK, dtype=np.float32)


class _Noise:
    """Gaussian noise, independent for each pixel and channel, of the strength of albumentations' GaussNoise.

    It reads a table of normal numbers from a random place instead of drawing 50,000 of them for each crop, which
    takes 0.4 ms: eight times as long.
    """

    def __init__(self) -> None:
        self._bank = _normal_numbers()

    def __call__(self, crop_rgb: NDArray[np.uint8], rng: np.random.Generator) -> NDArray[np.uint8]:
        std = 255 * rng.uniform(*NOISE_STD)
        start = int(rng.integers(max(1, len(self._bank) - crop_rgb.size)))
        noise = np.resize(self._bank[start : start + crop_rgb.size], crop_rgb.shape)
        return np.asarray(cv2.addWeighted(crop_rgb, 1.0, noise, std, 0.0, dtype=cv2.CV_8U), dtype=np.uint8)


def _haze(crop_rgb: NDArray[np.uint8], rng: np.random.Generator) -> NDArray[np.uint8]:
    """Light scattered evenly: grey mixed in. (albumentations' RandomFog draws discs for 10 ms a crop.)"""
    strength, grey = rng.uniform(*HAZE_STRENGTH), rng.uniform(180, 245)
    return np.asarray(cv2.convertScaleAbs(crop_rgb, alpha=1 - strength, beta=strength * grey), dtype=np.uint8)
