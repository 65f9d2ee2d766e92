"""The loss on people without labels: the teacher's confident joints, carried into the strong view, are its labels.

Carried places are labels like any other, so every loss of the table and both heads teach by them. As in FixMatch (Sohn
et al., 2020, equation 4) the sum over accepted joints is divided by all that could be: few accepted joints pull little.
Nothing here waits for the device.
"""

from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from dataengine.crops.training.occlusion import CUTOUT_EXTENT, CUTOUT_OFFSET
from dataengine.inference.running.decoders import decoder_of
from dataengine.keypoints import FLIP_INDEX
from dataengine.nets.heads import Head

from ...losses.table import Target, WeightedLoss
from ..steps.views import Views, carry
from .params import ConsistencyParams
from .watch import AGREE_WITHIN, WATCHED, sums_of


class Lesson(NamedTuple):
    """What the teacher says of u people."""

    weak_px: Tensor  # (u, 17, 2) in the weak views
    target: Target  # in the strong views; joints that are not accepted weigh 0
    possible: Tensor  # (u, 17) bool: a joint that the teacher knows, inside of the strong view
    confidence: Tensor  # (u, 17) names of the strong view


class Consistency:
    """One network's teacher, its part of the loss, and what is counted of it."""

    def __init__(
        self,
        params: ConsistencyParams,
        head: Head,
        teacher: nn.Module,
        loss: WeightedLoss,
        taught: NDArray[np.bool_],
        device: torch.device,
    ) -> None:
        """`taught` (17,) are the joints that somebody has taught the teacher."""
        self.params, self.head, self.teacher, self.loss = params, head, teacher, loss
        self._taught = torch.from_numpy(taught.copy()).to(device)
        self._joints = max(1, int(taught.sum()))
        self._flip = torch.from_numpy(np.asarray(FLIP_INDEX).copy()).to(device)
        self._decoder = decoder_of(head, device, torch.float32)
        self.weight: float | Tensor = torch.zeros((), device=device) if device.type == "cuda" else 0.0
        self.sums = torch.zeros(WATCHED, dtype=torch.float64, device=device)

    def set_weight(self, weight: float) -> None:
        """The loss's weight from the next step on."""
        if isinstance(self.weight, Tensor):
            self.weight.fill_(weight)
        else:
            self.weight = weight

    @torch.no_grad()
    def ask(self, weak: Tensor) -> tuple[Tensor, ...]:
        """The teacher's answer to the weak views (u, 3, H, W), normalised."""
        answer: tuple[Tensor, ...] = self.teacher.eval()(weak)
        return answer

    @torch.no_grad()
    def lesson(self, answer: tuple[Tensor, ...], views: Views) -> Lesson:
        """The teacher's answer to the weak views, in float32, as labels of the strong ones."""
        joints = self._decoder.decode(self._decoder.distributions(answer))
        places = carry(joints.keypoints_px, views.strong_from_weak)
        mirrored = views.mirrored[:, None]
        places = torch.where(mirrored[..., None], places.index_select(1, self._flip), places)
        confidence = joints.confidence
        confidence = torch.where(mirrored, confidence.index_select(1, self._flip), confidence)
        taught = torch.where(mirrored, self._taught.index_select(0, self._flip), self._taught)
        width, height = self.head.layout.input_width_px, self.head.layout.input_height_px
        x, y = places.unbind(-1)
        possible = taught & (x >= -0.5) & (x < width - 0.5) & (y >= -0.5) & (y < height - 0.5)
        accepted = possible & (confidence >= self.params.least_confidence)
        target = Target(places, accepted.float(), views.area_px2)
        return Lesson(joints.keypoints_px, target, possible, confidence)

    def loss_of(self, student: tuple[Tensor, ...], lesson: Lesson) -> Tensor:
        """The weighted loss of the student's answer to the strong views, in float32; counts what is watched."""
        share = lesson.target.counted / (len(lesson.possible) * self._joints)
        self._note(student, lesson)
        return self.weight * share * self.loss(student, lesson.target)

    @torch.no_grad()
    def _note(self, student: tuple[Tensor, ...], lesson: Lesson) -> None:
        found = self._decoder.decode(self._decoder.distributions(tuple(tensor.detach() for tensor in student)))
        layout = self.head.layout
        reach = AGREE_WITHIN * max(layout.input_width_px, layout.input_height_px)
        agrees = (found.keypoints_px - lesson.target.keypoints_px).norm(dim=-1) <= reach
        self.sums.add_(
            sums_of(
                accepted=lesson.target.joint_weight,
                possible=lesson.possible,
                confidence=lesson.confidence,
                student_confidence=found.confidence,
                agrees=agrees,
                places_px=lesson.weak_px,
            )
        )


def cut_out(strong: Tensor, lesson: Lesson, views: Views) -> Tensor:
    """The strong views (u, 3, H, W), normalised, with holes over some of the accepted joints.

    Xie et al. (2021, section 4) hide joints where the teacher sees them; a hole has the mean colour. The sizes are
    those of `dataengine.crops.training.occlusion`.
    """
    accepted = lesson.target.joint_weight > 0
    first = views.draws[..., 0].masked_fill(~accepted, -1.0)
    rank = first.argsort(dim=1, descending=True).argsort(dim=1)
    chosen = accepted & (rank < views.cutouts[:, None])
    height, width = strong.shape[-2:]
    low, high = CUTOUT_EXTENT
    covered = []
    for axis, size in enumerate((width, height)):
        extent = (size * (low + (high - low) * views.draws[..., 1 + axis])).clamp(min=3.0)
        middle = lesson.target.keypoints_px[..., axis] + (2 * views.draws[..., 3 + axis] - 1) * CUTOUT_OFFSET * extent
        pixels = torch.arange(size, device=strong.device, dtype=strong.dtype)
        covered.append((pixels - middle[..., None]).abs() <= extent[..., None] / 2)
    columns, rows = covered
    rows = (rows & chosen[..., None]).to(strong.dtype)
    holes = torch.bmm(rows.transpose(1, 2), columns.to(strong.dtype)) > 0
    return strong.masked_fill(holes[:, None], 0.0)
