"""Distillation in a fit: the teacher, and the student with the projection that makes their features comparable.

`Distillation.model` stands in for the student in the forward pass and in the optimizer; what is averaged, validated and
shipped is the student alone.
"""

from pathlib import Path

import torch
from torch import Tensor, nn

from dataengine.nets.checkpoint import ModelMeta
from dataengine.nets.heads import Heatmap
from dataengine.nets.network import KeypointNetwork

from ..losses.distillation import feature_loss, soft_map_loss, soft_target_loss
from ..losses.distribution import bump_area
from .origin import read_checkpoint
from .params import DistillParams
from .start import check_alike


class WithFeatures(nn.Module):
    """A network that returns its projected features, then its answer."""

    def __init__(self, student: KeypointNetwork, projection: nn.Module) -> None:
        super().__init__()
        self.student, self.projection = student, projection

    def forward(self, images: Tensor) -> tuple[Tensor, ...]:
        """Features (b, teacher's channels, h, w), then the head's tensors, of images (b, 3, H, W)."""
        features = self.student.features(images)
        return (self.projection(features), *self.student.read(features))


class Distillation:
    """The teacher of a fit, and its part of the loss."""

    def __init__(
        self, params: DistillParams, student: KeypointNetwork, meta: ModelMeta, seed: int, *, label_sigma_px: float
    ) -> None:
        """`meta` is the student's; `seed` draws the projection's first weights; `label_sigma_px` is the labels' width.

        Raises:
            InputError: the teacher cannot be read, sees other crops, or has another head.
        """
        assert params.teacher is not None
        self.params, self.head, self.label_sigma_px = params, student.head_kind, label_sigma_px
        self.teacher, teacher_meta = read_checkpoint(Path(params.teacher))
        check_alike(f"distill.teacher {params.teacher}", teacher_meta, meta)
        parameter = next(student.parameters())
        self.teacher.to(parameter.device).requires_grad_(False)
        self.projection: nn.Module = nn.Identity()
        if params.feature_weight:
            widths = [_channels(net, meta) for net in (student, self.teacher)]
            with torch.random.fork_rng(devices=[]):
                torch.manual_seed(seed)
                self.projection = nn.Conv2d(*widths, 1).to(parameter.device)
        self.model = WithFeatures(student, self.projection)

    @torch.no_grad()
    def teach(self, images: Tensor) -> tuple[Tensor, ...]:
        """The teacher's features and answer, in evaluation mode."""
        features = self.teacher.eval().features(images)
        return (features, *self.teacher.read(features))

    def loss(self, student: tuple[Tensor, ...], teacher: tuple[Tensor, ...], joint_weight: Tensor) -> Tensor:
        """Loss of the student's tensors against the teacher's, each with features first, then the answer."""
        total = joint_weight.new_zeros(())
        if self.params.feature_weight:
            total = total + self.params.feature_weight * feature_loss(student[0], teacher[0], joint_weight)
        if self.params.output_weight:
            total = total + self.params.output_weight * self._output_loss(student[1:], teacher[1:], joint_weight)
        return total

    def _output_loss(self, student: tuple[Tensor, ...], teacher: tuple[Tensor, ...], joint_weight: Tensor) -> Tensor:
        """The difference of the places: what a head says besides (spread, presence) is learnt from the labels."""
        if isinstance(self.head, Heatmap):
            return soft_map_loss(
                student[0], teacher[0], joint_weight, bump_area(self.head.cell_px, self.label_sigma_px)
            )
        x, y = (soft_target_loss(student[i], teacher[i], joint_weight, self.params.temperature) for i in (0, 1))
        return x + y


def _channels(net: KeypointNetwork, meta: ModelMeta) -> int:
    """Number of channels of a network's features."""
    parameter, training = next(net.parameters()), net.training
    with torch.no_grad():
        images = parameter.new_zeros(1, 3, meta.input_height_px, meta.input_width_px)
        channels = net.eval().features(images).shape[1]
    net.train(training)
    return int(channels)
