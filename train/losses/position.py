"""Losses on the expected place itself, so usable with any head: OKS, smooth L1 and wing.

Each is a mean over the joints that count, times their weights, and 0 where none does. Places and labels are
(b, 17, 2) crop pixels, joint_weight is (b, 17), 0 = does not count.
"""

import math

import torch
from torch import Tensor

# Beyond this smooth L1 is linear: a few pixels are the labels' own noise.
SMOOTH_L1_BETA_PX = 2.0
# Feng et al., "Wing Loss", CVPR 2018: logarithmic below w, where their best values for 256 px crops were w 10, e 2.
WING_WIDTH_PX, WING_CURVATURE_PX = 10.0, 2.0


def oks_loss(places_px: Tensor, keypoints_px: Tensor, joint_weight: Tensor, area_px2: Tensor, sigmas: Tensor) -> Tensor:
    """1 - OKS, joint by joint: 1 - exp(-d^2 / (2 area (2 sigma)^2)).

    area_px2 (b,) is the person's area (`person_scale`) in pixels of the augmented crop; sigmas (17,) float64 are on the
    same device, since a CUDA graph must not read the host's memory. The definition:
    https://cocodataset.org/#keypoints-eval. Its gradient vanishes far from the label, so it refines what another loss
    has found.
    """
    squared = ((places_px - keypoints_px) ** 2).sum(dim=-1)
    variance = ((2 * sigmas) ** 2).to(places_px.dtype)
    similarity = torch.exp(-squared / (2 * area_px2[:, None] * variance))
    return _mean(1 - similarity, joint_weight)


def smooth_l1_loss(places_px: Tensor, keypoints_px: Tensor, joint_weight: Tensor) -> Tensor:
    """Quadratic below `SMOOTH_L1_BETA_PX`, linear beyond (Girshick, "Fast R-CNN", 2015); both axes added."""
    error = (places_px - keypoints_px).abs()
    beta = SMOOTH_L1_BETA_PX
    cost = torch.where(error < beta, 0.5 * error**2 / beta, error - 0.5 * beta)
    return _mean(cost.sum(dim=-1), joint_weight)


def wing_loss(places_px: Tensor, keypoints_px: Tensor, joint_weight: Tensor) -> Tensor:
    """w ln(1 + |d| / e) below w, |d| - C beyond; both axes added. Small errors weigh more than with L1."""
    error = (places_px - keypoints_px).abs()
    width = WING_WIDTH_PX
    offset = width - width * math.log1p(width / WING_CURVATURE_PX)
    cost = torch.where(error < width, width * torch.log1p(error / WING_CURVATURE_PX), error - offset)
    return _mean(cost.sum(dim=-1), joint_weight)


def _mean(cost: Tensor, joint_weight: Tensor) -> Tensor:
    """Mean over counted joints of weight x cost; a joint that does not count gives no gradient either."""
    counted = (joint_weight > 0).sum().clamp(min=1)
    return (joint_weight * cost).sum() / counted
