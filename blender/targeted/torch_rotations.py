"""The rotations of geometry/rotations.py and a few more, batched and differentiable: torch tensors (..., 3, 3)."""

import torch
from torch import Tensor

_TINY = 1e-8


def unit(vector: Tensor) -> Tensor:
    """Vectors (..., 3) at length 1; gradients stay finite at length 0."""
    return vector / torch.sqrt((vector * vector).sum(-1, keepdim=True) + _TINY)


def cross_matrix(axis: Tensor) -> Tensor:
    """[axis]x (..., 3, 3), whose product with a vector is the cross product."""
    x, y, z = axis.unbind(-1)
    zero = torch.zeros_like(x)
    return torch.stack([zero, -z, y, z, zero, -x, -y, x, zero], -1).unflatten(-1, (3, 3))


def about_axis(axis: Tensor, radians: Tensor) -> Tensor:
    """Rotation about unit axes (..., 3) by angles (...) in Rodrigues' formula."""
    cross = cross_matrix(axis)
    sine, cosine = radians.sin()[..., None, None], radians.cos()[..., None, None]
    return torch.eye(3) + sine * cross + (1 - cosine) * cross @ cross


def from_euler(radians: Tensor) -> Tensor:
    """Turns (..., 3) about x, then about y, then about z, all fixed axes."""
    axes = torch.eye(3)
    x, y, z = (about_axis(axes[i].expand_as(radians), radians[..., i]) for i in range(3))
    return z @ y @ x


def swing(source: Tensor, target: Tensor, share: float = 1.0) -> Tensor:
    """The shortest rotation between unit vectors (..., 3), or a share of its angle; opposite ones share no axis."""
    axis = torch.linalg.cross(source, target)
    sine = torch.sqrt((axis * axis).sum(-1) + _TINY)
    angle = torch.atan2(sine, (source * target).sum(-1))
    return about_axis(axis / sine[..., None], share * angle)


def frame(along: Tensor, normal: Tensor) -> Tensor:
    """Right-handed axes as columns: `along` (unit), then `normal` made perpendicular to it, then their product."""
    second = unit(normal - along * (along * normal).sum(-1, keepdim=True))
    return torch.stack([along, second, torch.linalg.cross(along, second)], -1)


def from_6d(numbers: Tensor) -> Tensor:
    """Rotations from their first two columns (..., 6): Zhou et al., "On the continuity of rotation representations in
    neural networks", CVPR 2019."""
    first = unit(numbers[..., :3])
    return frame(first, numbers[..., 3:])


def to_6d(rotation: Tensor) -> Tensor:
    """The first two columns (..., 6) of `rotation` (..., 3, 3), which `from_6d` turns back into it."""
    return torch.cat([rotation[..., 0], rotation[..., 1]], -1)
