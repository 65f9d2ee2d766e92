"""Training augmentation: its parameters, and where the crop is taken (an affine map).

`random_affines` turns uniform draws into rotation, scale, shift and mirroring; `swap_sides` renames the joints of a
mirrored person; `reach` says how much of the image those maps can ever show. How the pixels look is `photometric.py`,
what is hidden `occlusion.py` and `pasting.py`, what is left out `half_body.py`, what stands behind a synthetic person
`backgrounds.py`. Random numbers are passed in.
"""

from dataclasses import dataclass, fields
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dataengine.crops.spec import CropSpec, compose_affine
from dataengine.errors import ParamsError
from dataengine.keypoints import FLIP_INDEX

GEOMETRY_DRAWS = 6  # uniform numbers that one affine map takes


@dataclass(frozen=True)
class AugmentParams:
    """Strength of the augmentation; all zero means none. Shares are of samples, 0 to 1."""

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
    """Probability of each change of colour and light; a third of it of noise and, by default, of blur and JPEG."""
    dropout_share: float
    """Share of the samples with one or two rectangles blotted out anywhere, as if occluded."""
    joint_cutout_share: float = 0.0
    """Share of the samples with one to three joints blotted out, so that the network learns to infer them."""
    weather_share: float = 0.0
    """Share of the samples with rain, snow, haze or a cast shadow."""
    half_body_share: float = 0.0
    """Share of the samples that show the upper or the lower half of a person alone, of those with 8 visible joints."""
    background_share: float = 0.0
    """Share of the synthetic people, those mostly in sight, who are put before a real photograph; needs their masks."""
    pasted_share: float = 0.0
    """Share of the samples in which a rendered person, cut out by their mask, is pasted in front; needs masks, too."""
    blur_share: float | None = None
    """Share of the samples that are blurred, by motion or defocus; null: a third of `photometric_share`."""
    jpeg_share: float | None = None
    """Share of the samples with JPEG artefacts; null: a third of `photometric_share`."""

    def __post_init__(self) -> None:
        for field in fields(self):
            value = getattr(self, field.name)
            if value is None:
                continue
            if not (0 <= value <= 1 if field.name.endswith("_share") else 0 <= value <= 180):
                expected = "0 to 1" if field.name.endswith("_share") else "0 or more, at most 180"
                raise ParamsError(field.name, expected=expected, got=repr(value))


NO_AUGMENTATION = AugmentParams(
    rotation_deg=0, rotation_share=0, scale=0, shift=0, flip_share=0, photometric_share=0, dropout_share=0
)
"""Plain crops: where the augmentation is switched off, and the weak view of `CropSamples.views`."""


def random_affines(
    draws: NDArray[np.float64], params: AugmentParams, spec: CropSpec
) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    """Maps (b, 2, 3) from the plain crop to the augmented one, and which of them mirror (b,).

    `draws` (b, GEOMETRY_DRAWS) are uniform in 0..1, a row for each sample.
    """
    turned, turn, zoom, right, down, mirror = draws.T
    angle = np.where(turned < params.rotation_share, np.deg2rad(params.rotation_deg) * (2 * turn - 1), 0.0)
    scale = np.exp((2 * zoom - 1) * np.log1p(params.scale))
    size = np.array([spec.width_px, spec.height_px], dtype=np.float64)
    shift = params.shift * (2 * np.stack([right, down], axis=1) - 1) * size
    cos, sin = scale * np.cos(angle), scale * np.sin(angle)
    linear = np.stack([np.stack([cos, -sin], axis=1), np.stack([sin, cos], axis=1)], axis=1)
    middle = (size - 1) / 2
    moved = np.concatenate([linear, (middle - linear @ middle + shift)[..., None]], axis=2)
    mirrored = mirror < params.flip_share
    return np.where(mirrored[:, None, None], compose_affine(mirror_matrix(spec), moved), moved), mirrored


def mirror_matrix(spec: CropSpec) -> NDArray[np.float64]:
    """The map (2, 3) that exchanges the crop's left and right edge."""
    return np.array([[-1.0, 0.0, spec.width_px - 1.0], [0.0, 1.0, 0.0]])


def swap_sides(joints: NDArray[Any]) -> NDArray[Any]:
    """Joints (..., 17, k) of a mirrored person under their new names: what was the left wrist is the right one."""
    return joints[..., FLIP_INDEX, :]


def reach(params: AugmentParams, spec: CropSpec) -> float:
    """The extent of the picture that augmented crops can show, over that of the plain crop."""
    aspect = max(spec.width_px, spec.height_px) / min(spec.width_px, spec.height_px)
    steepest = np.deg2rad(params.rotation_deg) if params.rotation_share else 0.0
    angle = min(steepest, np.arctan(aspect))  # a longer turn shows no more than the diagonal
    return float((np.cos(angle) + aspect * np.sin(angle)) * (1 + params.scale) * (1 + 2 * params.shift))
