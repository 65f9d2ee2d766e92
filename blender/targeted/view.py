"""What the fit compares: labelled people in pixels, and the body as seen by a level camera.

World: x right, y away from the camera, z up, metres; the camera stands level at its origin. So a person whose root is
not turned faces the camera, as with `PersonSpec.turn_rad` 0.
"""

from dataclasses import dataclass
from typing import Self

import numpy as np
import torch
from torch import Tensor

from dataengine.keypoints import OCCLUDED, VISIBLE
from dataengine.people import Images, People

from ..scene.camera import SENSOR_MM

_OCCLUDED_WEIGHT = 0.5  # where an annotator guessed


@dataclass(frozen=True, eq=False)
class Targets:
    """Labelled joints of n people, with their weights."""

    points_px: Tensor  # (n, 17, 2) from the image's middle
    weights: Tensor  # (n, 17) 0 for a joint without label
    box_px: Tensor  # (n,) the box's longer side
    frame_px: Tensor  # (n,) the image's longer side

    @classmethod
    def of(cls, people: People, images: Images) -> Self:
        """The targets of `people`, in order."""
        rows = images.rows_of(people.image_id)
        size = np.stack([images.width[rows], images.height[rows]], axis=1)
        weights = np.select([people.visibility == VISIBLE, people.visibility == OCCLUDED], [1.0, _OCCLUDED_WEIGHT], 0.0)
        points = np.where(weights[..., None] > 0, people.keypoints_px - (size[:, None] - 1) / 2, 0.0)
        box = np.maximum(people.bbox_xywh_px[:, 2:].max(axis=1), 1.0)
        return cls(_tensor(points), _tensor(weights), _tensor(box), _tensor(size.max(axis=1)))

    def repeated(self, times: int) -> Self:
        """Every person `times` times in a row."""
        columns = (self.points_px, self.weights, self.box_px, self.frame_px)
        return type(self)(*(column.repeat_interleave(times, 0) for column in columns))

    def error_shares(self, pixels: Tensor) -> Tensor:
        """Distance (n, 17) of `pixels` (n, 17, 2) from the labels, in shares of the box's longer side; 0 if unlabelled.

        Pixels count from the image's middle.
        """
        off = (pixels - self.points_px).square().sum(-1)
        return torch.sqrt(off + 1e-6) / self.box_px[:, None] * (self.weights > 0)

    def mean_error(self, pixels: Tensor) -> Tensor:
        """Mean of `error_shares` over labelled joints (n,)."""
        return self.error_shares(pixels).sum(1) / (self.weights > 0).sum(1).clamp(min=1)


@dataclass(frozen=True, eq=False)
class View:
    """Where n people stand in front of their cameras."""

    middle: Tensor  # (n, 2) pixel of the body's root off the image's middle, in shares of the frame's longer side
    log_depth: Tensor  # (n,) of the root, metres
    log_focal: Tensor  # (n,) millimetres on a 36 mm wide sensor

    def pixels(self, joints_m: Tensor, frame_px: Tensor) -> Tensor:
        """Pixels (n, 17, 2) from the image's middle, of joints (n, 17, 3) about the root."""
        focal = self.log_focal.exp() / SENSOR_MM
        depth = self.log_depth.exp()
        at = self.middle / focal[:, None] * depth[:, None]
        away = (joints_m[..., 1] + depth[:, None]).clamp(min=0.1)
        right, down = joints_m[..., 0] + at[:, :1], at[:, 1:] - joints_m[..., 2]
        return torch.stack([right / away, down / away], -1) * (focal * frame_px)[:, None, None]


def _tensor(values: np.typing.NDArray[np.floating]) -> Tensor:
    return torch.tensor(np.asarray(values), dtype=torch.float32)
