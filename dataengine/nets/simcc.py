"""SimCC: a joint's place as two one-dimensional distributions, one over columns and one over rows of the crop.

Li et al., "SimCC: a Simple Coordinate Classification Perspective for Human Pose Estimation", ECCV 2022; the form
with Gaussian labels is RTMPose's (Jiang et al., 2023). Every crop pixel is split into `split` bins. Bin centres lie
symmetrically in the crop, so turning a distribution around is exactly mirroring the image: what flip tests need.

A head with a learnt spread says besides how far, for each joint, the place lies from the bin: the distance is Laplace's
with that scale, and the place's distribution the mixture of all bins (RTMO: Lu et al., CVPR 2024, section 3.3).

`bin_centers_px` says where bins lie, `softmax` turns logits into distributions, `decode` reads those, with
`laplace_mass` where there is a scale. The losses that fit them are in `train/losses/distribution.py`.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from dataengine.nets.layout import Decoded

# A joint's place is the mean of the distribution this close to its peak: finer than one bin, blind to a second peak.
PEAK_REACH_PX = 2.0
# Confidence is the probability that the joint lies within this share of the crop around the peak, on both axes.
CONFIDENT_REACH = 1 / 16


def bin_centers_px(bins: int, split: float) -> NDArray[np.float64]:
    """Crop pixel coordinate of each bin's centre, shape (bins,); pixel centres are whole numbers.

    >>> bin_centers_px(4, split=2)  # two bins for pixel 0, two for pixel 1
    array([-0.25,  0.25,  0.75,  1.25])
    """
    return (np.arange(bins, dtype=np.float64) + 0.5) / split - 0.5


def softmax(logits: NDArray[np.floating[Any]]) -> NDArray[np.float64]:
    """Softmax over the last axis in float64."""
    shifted = np.exp(logits.astype(np.float64) - logits.max(axis=-1, keepdims=True))
    return np.asarray(shifted / shifted.sum(axis=-1, keepdims=True), dtype=np.float64)


def decode(
    probability_x: NDArray[np.floating[Any]],
    probability_y: NDArray[np.floating[Any]],
    split: float,
    scale_px: NDArray[np.floating[Any]] | None = None,
) -> Decoded:
    """Read distributions (n, 17, W * split) and (n, 17, H * split), as `softmax` makes them of a network's logits.

    `scale_px` (n, 17) are the scales of a head with a learnt spread, crop pixels: confidence and spread are then those
    of the mixture, and the entropy is what it has at least.
    """
    scale = None if scale_px is None else np.asarray(scale_px, dtype=np.float64)
    axes = [_decode_axis(np.asarray(p, dtype=np.float64), split, scale) for p in (probability_x, probability_y)]
    (x, mass_x, variance_x, entropy_x), (y, mass_y, variance_y, entropy_y) = axes
    return Decoded(
        keypoints_px=np.stack([x, y], axis=-1),
        confidence=mass_x * mass_y,
        spread_px=np.sqrt(variance_x + variance_y),
        entropy=(entropy_x + entropy_y) / 2,
    )


def laplace_mass(
    distance_px: NDArray[np.float64], reach_px: float, scale_px: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Mass within `reach_px` of a point that lies `distance_px` from the middle of a Laplace distribution."""
    ends = [(end - distance_px) / scale_px for end in (-reach_px, reach_px)]
    low, high = (np.where(z < 0, np.exp(-np.abs(z)) / 2, 1 - np.exp(-np.abs(z)) / 2) for z in ends)
    return np.asarray(high - low)


def laplace_entropy(scale_px: NDArray[np.float64], split: float) -> NDArray[np.float64]:
    """Entropy, nats, of a Laplace distribution counted in bins: 1 + ln(2 scale) + ln(bins per pixel), 0 or more."""
    return np.maximum(1 + np.log(2 * scale_px * split), 0.0)


def _decode_axis(
    probability: NDArray[np.float64], split: float, scale_px: NDArray[np.float64] | None
) -> tuple[NDArray[np.float64], ...]:
    """Position, mass near the peak, variance, normalised entropy (0..1) of distributions (..., bins); each (...)."""
    bins = probability.shape[-1]
    centers = bin_centers_px(bins, split)
    peak = centers[probability.argmax(axis=-1)]
    distance = np.abs(centers - peak[..., None])
    near = np.where(distance <= PEAK_REACH_PX, probability, 0.0)
    position = (near * centers).sum(axis=-1) / near.sum(axis=-1)
    reach = CONFIDENT_REACH * bins / split
    mean = (probability * centers).sum(axis=-1)
    variance = (probability * (centers - mean[..., None]) ** 2).sum(axis=-1)
    entropy = -(probability * np.log(np.maximum(probability, 1e-12))).sum(axis=-1)
    if scale_px is None:
        mass = np.where(distance <= reach, probability, 0.0).sum(axis=-1)
    else:
        mass = (probability * laplace_mass(distance, reach, scale_px[..., None])).sum(axis=-1)
        variance = variance + 2 * scale_px**2  # Laplace's own; that of a mixture is the sum
        entropy = np.maximum(entropy, laplace_entropy(scale_px, split))  # a sum's is not below either part's
    return position, np.minimum(mass, 1.0), variance, np.minimum(entropy / np.log(bins), 1.0)
