"""A batch on its way to the network: laid out in the loader's threads, copied without waiting, normalised at the end.

On a CPU the loader's threads normalise, and nothing is copied. For a GPU the crops stay uint8, a quarter of the bytes,
in pinned memory, from which the device copies while the host goes on; `NetworkInput` makes the network's input there.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from dataengine.crops.pixels import MEAN_RGB, STD_RGB
from dataengine.crops.training.loader import Batch
from dataengine.keypoints import FLIP_INDEX

from ...losses.table import Target
from .views import Views

OWN = 5  # tensors of an `Inputs` before those of its views


@dataclass(frozen=True, eq=False)
class Inputs:
    """What a step of b samples reads, all tensors on one device."""

    images: Tensor  # (b, 3, H, W), normalised float32, or uint8 RGB; memory as (b, H, W, 3)
    keypoints_px: Tensor  # (b, 17, 2) crop pixels
    joint_weight: Tensor  # (b, 17), 0 = does not count
    area_px2: Tensor  # (b,) area of the person, pixels of the augmented crop
    in_crop: Tensor  # (b, 17) 1 in the crop, 0 not, -1 nobody knows
    views: Views | None = None  # of people without labels

    def __len__(self) -> int:
        return len(self.images)

    @property
    def tensors(self) -> tuple[Tensor, ...]:
        """All of them, in order."""
        own = (self.images, self.keypoints_px, self.joint_weight, self.area_px2, self.in_crop)
        return own if self.views is None else (*own, *self.views.tensors)

    @classmethod
    def of_tensors(cls, tensors: Sequence[Tensor]) -> "Inputs":
        """From what `tensors` gives."""
        images, keypoints_px, joint_weight, area_px2, in_crop, *views = tensors
        return cls(images, keypoints_px, joint_weight, area_px2, in_crop, Views(*views) if views else None)

    @property
    def target(self) -> Target:
        """What the network should answer."""
        return Target(self.keypoints_px, self.joint_weight, self.area_px2, self.in_crop)

    def part(self, start: int, end: int) -> "Inputs":
        """Samples `start` to `end`, and as large a part of the views."""
        own = [tensor[start:end] for tensor in self.tensors[:OWN]]
        count = len(self.views) if self.views is not None else 0
        first, last = (count * place // len(self) for place in (start, end))
        return Inputs.of_tensors([*own, *(tensor[first:last] for tensor in self.tensors[OWN:])])

    def to(self, device: torch.device) -> "Inputs":
        """The same on `device`, without waiting for the copies."""
        return Inputs.of_tensors([tensor.to(device, non_blocking=True) for tensor in self.tensors])

    def pinned(self) -> "Inputs":
        """The same in memory that a GPU copies from while the host goes on; needs CUDA."""
        return Inputs.of_tensors([tensor.pin_memory() for tensor in self.tensors])

    def fits(self, other: "Inputs") -> bool:
        """Whether `other` has the shapes and types of this one."""
        if len(self.tensors) != len(other.tensors):
            return False
        pairs = zip(self.tensors, other.tensors, strict=True)
        return all(a.shape == b.shape and a.dtype == b.dtype for a, b in pairs)

    def take(self, other: "Inputs") -> None:
        """Copy `other` into this one's memory, without waiting."""
        for mine, theirs in zip(self.tensors, other.tensors, strict=True):
            mine.copy_(theirs, non_blocking=True)


@dataclass(frozen=True, eq=False)
class Ready:
    """A batch in the host's memory, laid out for the step, and the people it shows."""

    inputs: Inputs
    rows: NDArray[np.int64]  # (b,) which persons, for messages


def ready(batch: Batch, area_px2: NDArray[np.float64], device: torch.device, views: Views | None = None) -> Ready:
    """Lay out `batch`. Pins memory for a GPU; safe in any thread.

    `area_px2` (n,) holds the areas of all training people in image pixels; the batch knows how much each crop enlarges.
    """
    arrays = (batch.keypoints_px, batch.joint_weight, area_px2[batch.rows] * batch.crop_scale**2, batch.in_crop)
    keypoints_px, weight, area, in_crop = (torch.from_numpy(np.asarray(a, np.float32)) for a in arrays)
    inputs = Inputs(torch.from_numpy(batch.images), keypoints_px, weight, area, in_crop, views)
    if device.type != "cuda":
        return Ready(inputs, batch.rows)
    with torch.cuda.device(device):  # a new thread is on the first GPU
        return Ready(inputs.pinned(), batch.rows)


def mirrored(given: Ready) -> Ready:
    """The same people seen in a mirror, left and right exchanged: how a second network learns from them.

    Of the views only the strong ones are turned: the teacher answers the same weak ones.
    """
    inputs, flip = given.inputs, torch.from_numpy(np.asarray(FLIP_INDEX).copy())
    width = inputs.images.shape[-1]
    turn = torch.tensor([-1.0, 1.0])
    shift = torch.tensor([width - 1.0, 0.0])
    views = inputs.views
    if views is not None:
        moved = views.strong_from_weak * turn[:, None]
        moved[:, 0, 2] += width - 1.0
        draws = views.draws.flip(1)  # other holes
        turned = (views.strong.flip(-1), moved, ~views.mirrored)
        views = Views(views.weak, *turned, views.area_px2, views.cutouts, draws)
    keypoints = (inputs.keypoints_px * turn + shift)[:, flip]
    weight, in_crop = inputs.joint_weight[:, flip], inputs.in_crop[:, flip]
    own = (inputs.images.flip(-1), keypoints, weight, inputs.area_px2, in_crop)
    return Ready(Inputs(*own, views=views), given.rows)


class NetworkInput:
    """Images as the network wants them: normalised float32 in its layout of memory."""

    def __init__(self, device: torch.device, *, channels_last: bool) -> None:
        self._layout = torch.channels_last if channels_last else torch.contiguous_format
        # a CUDA graph must not read the host's memory, so the constants lie on the device from the start
        self._scale, self._shift = (_per_channel(values, device) for values in _scale_and_shift())

    def __call__(self, images: Tensor) -> Tensor:
        """The network's input from uint8 RGB or normalised images (b, 3, H, W) on the device."""
        if images.dtype == torch.uint8:
            images = images.float().mul_(self._scale).sub_(self._shift)
        return images.contiguous(memory_format=self._layout)


def _scale_and_shift() -> tuple[Sequence[float], Sequence[float]]:
    """Scale and shift of each channel: x * scale - shift is what `crops.pixels.normalise` computes."""
    pairs = list(zip(MEAN_RGB, STD_RGB, strict=True))
    return [1 / (255 * std) for _, std in pairs], [mean / std for mean, std in pairs]


def _per_channel(values: Sequence[float], device: torch.device) -> Tensor:
    return torch.tensor(values, dtype=torch.float32, device=device).reshape(1, 3, 1, 1)
