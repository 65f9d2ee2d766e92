"""The loss that teaches a SimCC head: KL divergence from Gaussian labels (RTMPose, Jiang et al. 2023, section 3.2).

`gaussian_labels` writes places as distributions, `simcc_loss` compares them with the network's.
"""

import torch
from torch import Tensor


def gaussian_labels(position_px: Tensor, bins: int, split: int, sigma_px: float) -> Tensor:
    """Distributions (..., bins) over the bins of an axis around positions (...), crop pixels; each sums to 1.

    Bin i lies at (i + 0.5) / split - 0.5, as `dataengine.nets.simcc.bin_centers_px` has it.
    """
    centers = (torch.arange(bins, device=position_px.device, dtype=position_px.dtype) + 0.5) / split - 0.5
    return torch.softmax(-0.5 * ((centers - position_px[..., None]) / sigma_px) ** 2, dim=-1)


def simcc_loss(
    logits_x: Tensor, logits_y: Tensor, keypoints_px: Tensor, joint_weight: Tensor, *, split: int, sigma_px: float
) -> Tensor:
    """Mean over counted joints of weight x (KL over columns + KL over rows), a scalar in nats.

    logits (b, 17, W * split) and (b, 17, H * split); keypoints_px (b, 17, 2); joint_weight (b, 17), 0 = does not
    count. The mean is over joints that count, not over weights: a half-trusted joint pulls half as hard. 0 when no
    joint counts.
    """
    divergence = torch.zeros_like(joint_weight)
    for logits, position in ((logits_x, keypoints_px[..., 0]), (logits_y, keypoints_px[..., 1])):
        label = gaussian_labels(position, logits.shape[-1], split, sigma_px)
        entropy = torch.special.entr(label).sum(dim=-1)
        cross_entropy = -(label * torch.log_softmax(logits, dim=-1)).sum(dim=-1)
        divergence = divergence + cross_entropy - entropy
    counted = (joint_weight > 0).sum().clamp(min=1)
    return (joint_weight * divergence).sum() / counted
