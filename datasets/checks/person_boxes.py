"""Checks of one person's box and joints: collapsed, tiny, outside the image, joints outside the box."""

from typing import NamedTuple

import numpy as np

from dataengine.boxes import clip_boxes
from dataengine.geometry.pixel_grid import to_corner
from dataengine.keypoints import UNLABELLED
from dataengine.people import Images, People

COLLAPSED_PX = 1.0  # within this, joints say where the person is but nothing about the pose


class Fault(NamedTuple):
    """What is wrong with the person in one row."""

    row: int
    reason: str
    score: float
    """How bad, comparable within one check."""


def collapsed(people: People) -> list[Fault]:
    """Three or more labelled joints, all within a pixel."""
    labelled = (people.visibility > UNLABELLED)[..., None]
    low = np.where(labelled, people.keypoints_px, np.inf).min(axis=1, initial=np.inf)
    high = np.where(labelled, people.keypoints_px, -np.inf).max(axis=1, initial=-np.inf)
    bad = (labelled.sum(axis=(1, 2)) >= 3) & ((high - low).max(axis=1, initial=-np.inf) <= COLLAPSED_PX)
    return [Fault(int(row), "all labelled joints lie within a pixel", 1.0) for row in np.flatnonzero(bad)]


def tiny(people: People, least_px: float) -> list[Fault]:
    """The square root of the box's area is below `least_px`."""
    size = np.sqrt(people.bbox_xywh_px[:, 2].astype(np.float64) * people.bbox_xywh_px[:, 3])
    return [
        Fault(int(row), f"{size[row]:.0f} px large, below {least_px:g}", float(1 - size[row] / least_px))
        for row in np.flatnonzero(size < least_px)
    ]


def outside(people: People, images: Images, most_share: float) -> list[Fault]:
    """More than `most_share` of the box's area lies outside the image."""
    rows = images.rows_of(people.image_id)
    size = np.stack([images.width[rows], images.height[rows]], axis=1)
    boxes = people.bbox_xywh_px.astype(np.float64)
    inside, area = clip_boxes(boxes, size)[:, 2:].prod(axis=1), boxes[:, 2:].prod(axis=1)
    share = 1 - np.where(area > 0, inside / np.where(area > 0, area, 1), 1)
    return [
        Fault(int(row), f"{share[row]:.0%} of the box lies outside the image", float(share[row]))
        for row in np.flatnonzero(share > most_share)
    ]


def joints_off_box(people: People, margin: float) -> list[Fault]:
    """A labelled joint lies outside the box by more than `margin` of the box's longer side."""
    box = people.bbox_xywh_px.astype(np.float64)[:, None]
    points = to_corner(people.keypoints_px)
    beyond = np.maximum(np.maximum(box[..., :2] - points, points - box[..., :2] - box[..., 2:]).max(axis=2), 0)
    longest = np.maximum(box[:, 0, 2:].max(axis=1, initial=0), 1e-6)
    worst = np.where(people.visibility > UNLABELLED, beyond, 0).max(axis=1) / longest
    return [
        Fault(int(row), f"a joint lies outside the box by {worst[row]:.0%} of its longer side", float(worst[row]))
        for row in np.flatnonzero(worst > margin)
    ]
