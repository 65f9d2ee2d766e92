"""What a lifter is fitted to. All of Pavllo et al., CVPR 2019, sections 3 and 3.3."""

import torch
from torch import Tensor

from .body import BONES
from .network import Placed

NEAREST_M = 0.1  # depth below which a joint is not projected
LEAST_SPREAD = 1e-6


def pose_loss(found: Placed, pose_m: Tensor) -> Tensor:
    """MPJPE of poses (n, 17, 3) from the root, metres."""
    return torch.linalg.vector_norm(found.pose_m - pose_m, dim=-1).mean()


def root_loss(found: Placed, root_m: Tensor) -> Tensor:
    """Mean distance of roots (n, 3), each weighted by the inverse of its true depth: far ones need not be exact."""
    distance = torch.linalg.vector_norm(found.root_m - root_m, dim=-1)
    return (distance / root_m[..., 2].clamp(min=NEAREST_M)).mean()


def reprojection_loss(found: Placed, rays: Tensor, confidence: Tensor, spread: Tensor) -> Tensor:
    """Distance of the projected joints from rays (n, 17, 2), in spreads (n,), weighted by confidence (n, 17)."""
    off = torch.linalg.vector_norm(projected(found.joints_m) - rays, dim=-1) / spread.clamp(min=LEAST_SPREAD)[:, None]
    return (confidence * off.clamp(max=10)).sum() / confidence.sum().clamp(min=1e-6)


def bone_loss(found: Placed, labelled: Placed) -> Tensor:
    """How far the mean lengths of bones are from those of `labelled` people; the latter are not changed by it."""
    return (bone_means(found.pose_m) - bone_means(labelled.pose_m).detach()).abs().mean()


def bone_means(pose_m: Tensor) -> Tensor:
    """Mean length (12,) of each of `BONES` over poses (n, 17, 3)."""
    ends = torch.as_tensor(BONES, device=pose_m.device)
    return torch.linalg.vector_norm(pose_m[:, ends[:, 0]] - pose_m[:, ends[:, 1]], dim=-1).mean(dim=0)


def projected(joints_m: Tensor) -> Tensor:
    """Rays (..., 2) of joints (..., 3) in the camera's frame."""
    return joints_m[..., :2] / joints_m[..., 2:].clamp(min=NEAREST_M)
