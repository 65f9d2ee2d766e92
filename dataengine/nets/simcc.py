"""SimCC: a joint's place as two one-dimensional distributions, one over columns and one over rows of the crop.

Li et al., "SimCC: a Simple Coordinate Classification Perspective for Human Pose Estimation", ECCV 2022; the form
with Gaussian labels is RTMPose's (Jiang et al., 2023). Every crop pixel is split into `split` bins. Bin centres lie
symmetrically in the crop, so turning a distribution around is exactly mirroring the image: what flip tests need.

`bin_centers_px` says where bins lie, `softmax` turns logits into distributions, `decode` reads those. The loss that
fits them is in `train/losses/distribution.py`.
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


def decode(probability_x: NDArray[np.floating[Any]], probability_y: NDArray[np.floating[Any]], split: float) -> Decoded:
    """Read distributions (n, 17, W * split) and (n, 17, H * split), as `softmax` makes them of a network's logits."""
    axes = [_decode_axis(np.asarray(p, dtype=np.float64), split) for p in (probability_x, probability_y)]
    (x, mass_x, variance_x, entropy_x), (y, mass_y, variance_y, entropy_y) = axes
    return Decoded(
        keypoints_px=np.stack([x, y], axis=-1),
        confidence=mass_x * mass_y,
        spread_px=np.sqrt(variance_x + variance_y),
        entropy=(entropy_x + entropy_y) / 2,
    )


def _decode_axis(probability: NDArray[np.float64], split: float) -> tuple[NDArray[np.float64], ...]:
    """Position, mass near the peak, variance, normalised entropy (0..1) of distributions (..., bins); each (...)."""
    bins = probability.shape[-1]
    centers = bin_centers_px(bins, split)
    peak = centers[probability.argmax(axis=-1)]
    distance = np.abs(centers - peak[..., None])
    near = np.where(distance <= PEAK_REACH_PX, probability, 0.0)
    position = (near * centers).sum(axis=-1) / near.sum(axis=-1)
    mass = np.where(distance <= CONFIDENT_REACH * bins / split, probability, 0.0).sum(axis=-1)
    mean = (probability * centers).sum(axis=-1)
    variance = (probability * (centers - mean[..., None]) ** 2).sum(axis=-1)
    entropy = -(probability * np.log(np.maximum(probability, 1e-12))).sum(axis=-1) / np.log(bins)
    return position, np.minimum(mass, 1.0), variance, entropy
