"""The two views of people without labels as tensors: what a step reads besides its labelled batch."""

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from dataengine.crops.training.loader import ViewBatch
from dataengine.people import JOINTS

HOLE_DRAWS = 5  # uniform numbers for each joint's hole: whether it comes first, width, height, and two of its place
_STREAM = 12


@dataclass(frozen=True, eq=False)
class Views:
    """u people in two views, all tensors on one device."""

    weak: Tensor  # (u, 3, H, W), as `Inputs.images`
    strong: Tensor  # (u, 3, H, W)
    strong_from_weak: Tensor  # (u, 2, 3) from the weak crops' pixels to the strong crops'
    mirrored: Tensor  # (u,) bool: left and right change names from one view to the other
    area_px2: Tensor  # (u,) area of the person, pixels of the strong crop
    cutouts: Tensor  # (u,) joints to blot out
    draws: Tensor  # (u, 17, HOLE_DRAWS) uniform in 0..1

    def __len__(self) -> int:
        return len(self.weak)

    @property
    def tensors(self) -> tuple[Tensor, ...]:
        """All of them, in order."""
        return (
            *(self.weak, self.strong, self.strong_from_weak, self.mirrored),
            *(self.area_px2, self.cutouts, self.draws),
        )


def hole_draws(people: int, seed: list[int]) -> NDArray[np.float32]:
    """(people, 17, HOLE_DRAWS) for the people of one step, of all ranks together."""
    return np.random.default_rng([*seed, _STREAM]).random((people, JOINTS, HOLE_DRAWS), dtype=np.float32)


def views_of(
    batch: ViewBatch, area_px2: NDArray[np.float64], cutouts: NDArray[np.float32], draws: NDArray[np.float32]
) -> Views:
    """The views of `batch` in the host's memory.

    `area_px2` and `cutouts` (n,) are of all people without labels; `draws` are those of the batch's people.
    """
    rows = batch.weak.rows
    return Views(
        weak=torch.from_numpy(batch.weak.images),
        strong=torch.from_numpy(batch.strong.images),
        strong_from_weak=torch.from_numpy(batch.strong_from_weak.astype(np.float32)),
        mirrored=torch.from_numpy(batch.mirrored),
        area_px2=torch.from_numpy((area_px2[rows] * batch.strong.crop_scale**2).astype(np.float32)),
        cutouts=torch.from_numpy(cutouts[rows]),
        draws=torch.from_numpy(draws),
    )


def carry(places_px: Tensor, strong_from_weak: Tensor) -> Tensor:
    """Places (u, k, 2) of the weak crops in the strong ones."""
    return places_px @ strong_from_weak[:, :, :2].transpose(1, 2) + strong_from_weak[:, None, :, 2]
