"""Losses on a predicted distribution: KL (SimCC) and MSE (heatmaps) to a Gaussian around the label, or its likelihood.

SimCC labels are RTMPose's (Jiang et al. 2023, section 3.2); heatmap labels are SimpleBaseline's (Xiao et al. 2018,
section 3), at unrounded positions, as in UDP (Huang et al. 2020). Both losses are means over the joints that count, not
over weights: a half-trusted joint pulls half as hard. Without any joint the loss is 0.
"""

import math

import torch
from torch import Tensor

LABEL_SHARPNESS = 10.0  # beta of RTMPose


def gaussian_labels(
    position_px: Tensor, bins: int, split: int, sigma_px: float, sharpness: float | None = None
) -> Tensor:
    """Distributions (..., bins) over the bins of an axis around positions (...), crop pixels; each sums to 1.

    Bin i lies at (i + 0.5) / split - 0.5, as in `dataengine.nets.simcc.bin_centers_px`. With `sharpness` it is the
    label of RTMPose: softmax(sharpness * exp(-d^2 / (2 sigma^2))), narrower than the Gaussian by about its root.
    """
    centers = (torch.arange(bins, device=position_px.device, dtype=position_px.dtype) + 0.5) / split - 0.5
    log = -0.5 * ((centers - position_px[..., None]) / sigma_px) ** 2
    return torch.softmax(log if sharpness is None else sharpness * log.exp(), dim=-1)


def simcc_loss(
    logits_x: Tensor,
    logits_y: Tensor,
    keypoints_px: Tensor,
    joint_weight: Tensor,
    *,
    split: int,
    sigma_px: float,
    sharpness: float | None = None,
) -> Tensor:
    """Mean over counted joints of weight x (KL over columns + KL over rows), a scalar in nats.

    logits (b, 17, W * split) and (b, 17, H * split); keypoints_px (b, 17, 2); joint_weight (b, 17), 0 = does not
    count.
    """
    divergence = torch.zeros_like(joint_weight)
    for logits, position in ((logits_x, keypoints_px[..., 0]), (logits_y, keypoints_px[..., 1])):
        label = gaussian_labels(position, logits.shape[-1], split, sigma_px, sharpness)
        entropy = torch.special.entr(label).sum(dim=-1)
        cross_entropy = -(label * torch.log_softmax(logits, dim=-1)).sum(dim=-1)
        divergence = divergence + cross_entropy - entropy
    counted = (joint_weight > 0).sum().clamp(min=1)
    return (joint_weight * divergence).sum() / counted


def simcc_likelihood_loss(
    logits_x: Tensor,
    logits_y: Tensor,
    log_spread: Tensor,
    keypoints_px: Tensor,
    joint_weight: Tensor,
    *,
    split: int,
    log_limits: tuple[float, float],
) -> Tensor:
    """Mean over counted joints of weight x the label's negative log-likelihood on both axes, nats per pixel: a scalar.

    The density of an axis is the mixture, by the predicted distribution, of Laplace distributions around the bins, all
    of the scale exp(log_spread) in pixels: -ln sum_i p_i exp(-|x - c_i| / b) / (2 b). The maximum-likelihood loss of
    RTMO (Lu et al., CVPR 2024, section 3.3); the factor 1 / (2 b) makes it a density, so that neither a wide nor a
    narrow scale is free. Shapes as in `simcc_loss`; log_spread (b, 17) is cut to `log_limits`.
    """
    log_scale = log_spread.clamp(*log_limits)
    cost = torch.zeros_like(joint_weight)
    for logits, position in ((logits_x, keypoints_px[..., 0]), (logits_y, keypoints_px[..., 1])):
        centers = (torch.arange(logits.shape[-1], device=position.device, dtype=position.dtype) + 0.5) / split - 0.5
        distance = (centers - position[..., None]).abs() / log_scale.exp()[..., None]
        cost = cost - torch.logsumexp(torch.log_softmax(logits, dim=-1) - distance, dim=-1) + log_scale + math.log(2)
    counted = (joint_weight > 0).sum().clamp(min=1)
    return (joint_weight * cost).sum() / counted


def gaussian_heatmaps(
    keypoints_px: Tensor, height: int, width: int, cell_px: tuple[float, float], sigma_px: float
) -> Tensor:
    """Heatmaps (b, k, height, width) of height 1 at keypoints_px (b, k, 2); cell i lies at i * cell_px."""
    bumps = []
    for axis, cells in ((0, width), (1, height)):
        center = torch.arange(cells, device=keypoints_px.device, dtype=keypoints_px.dtype) * cell_px[axis]
        bumps.append(torch.exp(-0.5 * ((center - keypoints_px[..., axis, None]) / sigma_px) ** 2))
    return bumps[1][..., :, None] * bumps[0][..., None, :]


def bump_area(cell_px: tuple[float, float], sigma_px: float) -> float:
    """Area of a label's bump on a heatmap, in cells: pi sigma^2, the integral of its square."""
    return torch.pi * sigma_px**2 / (cell_px[0] * cell_px[1])


def heatmap_loss(
    heatmaps: Tensor, keypoints_px: Tensor, joint_weight: Tensor, *, cell_px: tuple[float, float], sigma_px: float
) -> Tensor:
    """Mean over counted joints of weight x squared difference, summed over the cells of a bump: a scalar.

    heatmaps (b, 17, h, w). The sum over cells is divided by `bump_area`, so that an empty map costs about 1 whatever
    the resolution; SimpleBaseline's mean over all cells would shrink with the map and vanish next to any other loss.
    """
    label = gaussian_heatmaps(keypoints_px, heatmaps.shape[-2], heatmaps.shape[-1], cell_px, sigma_px)
    squared = ((heatmaps - label) ** 2).sum(dim=(-2, -1)) / bump_area(cell_px, sigma_px)
    counted = (joint_weight > 0).sum().clamp(min=1)
    return (joint_weight * squared).sum() / counted
