"""Training augmentation: where the crop is taken (an affine map) and how its pixels look (albumentations).

`random_affine` draws rotation, scale, shift and mirroring; `swap_sides` renames the joints of a mirrored person;
`photometric` builds the pixel chain. All chance comes from the generator or seed handed in.
"""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from dataengine.crops.spec import CropSpec, compose_affine
from dataengine.keypoints import FLIP_INDEX

if TYPE_CHECKING:
    import albumentations


@dataclass(frozen=True)
class AugmentParams:
    """Strength of the augmentation; all zero means none."""

    rotation_deg: float
    """Largest turn to either side."""
    rotation_share: float
    """Share of the samples that are turned at all."""
    scale: float
    """Largest relative enlargement or reduction: 0.25 draws between 1 / 1.25 and 1.25."""
    shift: float
    """Largest move along each axis, as a share of the crop's size."""
    flip_share: float
    """Share of the samples that are mirrored, left and right joints exchanged."""
    photometric_share: float
    """Probability of each change of colour, light, noise and blur."""
    dropout_share: float
    """Share of the samples with a few rectangles blotted out, as if occluded."""


def random_affine(rng: np.random.Generator, params: AugmentParams, spec: CropSpec) -> tuple[NDArray[np.float64], bool]:
    """A map (2, 3) from the plain crop to the augmented one, and whether it mirrors."""
    turned = rng.random() < params.rotation_share
    angle = np.deg2rad(rng.uniform(-params.rotation_deg, params.rotation_deg)) if turned else 0.0
    scale = np.exp(rng.uniform(-1, 1) * np.log1p(params.scale))
    size = np.array([spec.width_px, spec.height_px], dtype=np.float64)
    shift = rng.uniform(-params.shift, params.shift, 2) * size
    mirrored = bool(rng.random() < params.flip_share)
    linear = scale * np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    middle = (size - 1) / 2
    moved = np.column_stack([linear, middle - linear @ middle + shift])
    return (compose_affine(mirror_matrix(spec), moved) if mirrored else moved), mirrored


def mirror_matrix(spec: CropSpec) -> NDArray[np.float64]:
    """The map (2, 3) that exchanges the crop's left and right edge."""
    return np.array([[-1.0, 0.0, spec.width_px - 1.0], [0.0, 1.0, 0.0]])


def swap_sides(joints: NDArray[Any]) -> NDArray[Any]:
    """Joints (..., 17, k) of a mirrored person under their new names: what was the left wrist is the right one."""
    return joints[..., FLIP_INDEX, :]


def photometric(params: AugmentParams) -> "albumentations.Compose":
    """The chain of pixel changes; seed it for each sample with ``set_random_seed``."""
    import albumentations as A

    share = params.photometric_share
    return A.Compose(
        [
            A.RandomBrightnessContrast(brightness_limit=0.3, contrast_limit=0.3, p=share),
            A.HueSaturationValue(hue_shift_limit=12, sat_shift_limit=40, val_shift_limit=20, p=share),
            A.OneOf([A.GaussianBlur(blur_limit=(3, 5)), A.MotionBlur(blur_limit=5)], p=share / 3),
            A.ImageCompression(quality_range=(40, 90), p=share / 3),
            A.GaussNoise(std_range=(0.02, 0.08), p=share / 3),
            A.ToGray(p=share / 10),
            A.CoarseDropout(
                num_holes_range=(1, 2),
                hole_height_range=(0.1, 0.3),
                hole_width_range=(0.1, 0.3),
                p=params.dropout_share,
            ),
        ]
    )
