"""Test-time views of a crop: the same person turned and at other scales, the answers fused, and their spread.

Mirror images have a way of their own (`predict_both_ways`), since left and right change places in them.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from dataengine.blazepose.roi import Roi
from dataengine.crops.spec import CropSpec, compose_affine


@dataclass(frozen=True)
class TurnedView:
    """How a crop is changed about its middle."""

    turn_deg: float
    """Clockwise as seen."""
    scale: float
    """Above 1 shows the person larger."""


VIEWS = (TurnedView(-15, 1.0), TurnedView(15, 1.0), TurnedView(0, 0.85), TurnedView(0, 1.15))
"""In addition to the crop as it is; the angles and scales that augmentation shows a network anyway."""


def seen_from(matrix: NDArray[np.float64], spec: CropSpec, view: TurnedView) -> NDArray[np.float64]:
    """The maps (n, 2, 3) from image to crop pixels of crops with maps `matrix` (n, 2, 3), seen from a view.

    >>> straight = np.array([[[1.0, 0.0, 0.0], [0.0, 1.0, 0.0]]])
    >>> enlarged = seen_from(straight, CropSpec(101, 101), TurnedView(0, 2.0))[0]
    >>> enlarged @ [50, 50, 1]  # the middle stays where it is
    array([50., 50.])
    """
    middle = (np.array([spec.width_px, spec.height_px]) - 1) / 2
    angle = np.deg2rad(view.turn_deg)
    linear = view.scale * np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    change = np.concatenate([linear, (middle - linear @ middle)[:, None]], axis=1)
    return compose_affine(np.broadcast_to(change, matrix.shape), matrix)


def fused_views(
    points_px: Sequence[NDArray[np.floating]], confidence: Sequence[NDArray[np.floating]]
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    """The views' answers, each (n, 17, 2) with confidence (n, 17), as one: joints, confidence, and spread (n, 17) px.

    Joints are medians, which one view that takes left for right does not move; the spread is the root mean square
    distance of the answers from it; the confidence is the views' mean.
    """
    points = np.stack([np.asarray(each, dtype=np.float64) for each in points_px])
    middle = np.median(points, axis=0)
    spread = np.sqrt(((points - middle) ** 2).sum(axis=-1).mean(axis=0))
    return middle, np.mean([np.asarray(each, dtype=np.float64) for each in confidence], axis=0), spread


def turned_region(region: Roi, view: TurnedView) -> Roi:
    """The region whose crop shows what `seen_from` shows: turned the other way, smaller where people look larger."""
    return Roi(
        region.center_x_px,
        region.center_y_px,
        region.side_px / view.scale,
        region.angle_rad - float(np.deg2rad(view.turn_deg)),
    )
