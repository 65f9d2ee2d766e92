"""What speaks for a track and a new pose being the same person, as numbers."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from dataengine.boxes import pairwise_iou
from dataengine.evaluation.ap.oks_formula import joint_similarities
from dataengine.keypoints import COCO_SIGMAS
from dataengine.person_scale import AREA_OF_BOX

from .sightings import LIMBS, Sightings, person_sizes

SIGNS = (
    "oks",  # of the pose with where the track is expected
    "distance",  # log of the joints' median distance from there, in sizes of the person
    "distance from the last pose",  # the same without velocity
    "overlap",  # of the box with where that of the track is expected
    "size",  # absolute log ratio
    "limbs",  # mean absolute log ratio of the limbs' lengths, each as a share of the person's size
    "colour",  # median distance of the limbs' colours
    "gap",  # log of 1 + seconds / GAP_S
    "distance x gap",
    "colour x gap",
)
LEAST = 0.01  # of a size: distances below say nothing
GAP_S = 0.1
USUAL_COLOUR = 0.15  # where no limb of both can be seen
FADES_S = 0.5  # a speed counts for half of it: people stop and turn


@dataclass(frozen=True, eq=False)
class TrackStates:
    """k tracks, as they were last seen."""

    time_s: NDArray[np.float64]
    """(k,)"""
    keypoints_px: NDArray[np.float64]
    """(k, 17, 2)"""
    speed_px_s: NDArray[np.float64]
    """(k, 2) of the whole person"""
    boxes_xywh_px: NDArray[np.float64]
    """(k, 4)"""
    limbs: NDArray[np.float64]
    """(k, limbs) logs of the lengths as shares of the size, averaged over the track"""
    colours: NDArray[np.float64]
    """(k, limbs, 3) averaged over the track; NaN where never seen"""


def limb_lengths(seen: Sightings) -> NDArray[np.float64]:
    """Logs (n, limbs) of the lengths of limbs as shares of the person's size."""
    ends = seen.keypoints_px[:, np.array(LIMBS)]  # (n, limbs, 2, 2)
    length = np.linalg.norm(ends[:, :, 0] - ends[:, :, 1], axis=2)
    return np.log(length / person_sizes(seen.boxes_xywh_px)[:, None] + LEAST)


def pair_signs(tracks: TrackStates, seen: Sightings) -> NDArray[np.float64]:
    """Signs (k, n, 10), in the order of `SIGNS`, of each track with each new pose."""
    k, n = len(tracks.time_s), len(seen)
    if not k or not n:
        return np.zeros((k, n, len(SIGNS)))
    gap = np.maximum(seen.time_s - tracks.time_s, 0.0)
    moved = tracks.speed_px_s * (FADES_S * (1 - np.exp(-gap / FADES_S)))[:, None]
    expected = tracks.keypoints_px + moved[:, None]
    expected_boxes = np.concatenate([tracks.boxes_xywh_px[:, :2] + moved, tracks.boxes_xywh_px[:, 2:]], axis=1)
    size = np.sqrt(person_sizes(tracks.boxes_xywh_px)[:, None] * person_sizes(seen.boxes_xywh_px)[None])
    far = [
        np.log(np.median(np.linalg.norm(points[:, None] - seen.keypoints_px[None], axis=3), axis=2) / size + LEAST)
        for points in (expected, tracks.keypoints_px)
    ]
    grown = np.log(person_sizes(seen.boxes_xywh_px))[None] - np.log(person_sizes(tracks.boxes_xywh_px))[:, None]
    limbs = np.abs(tracks.limbs[:, None] - limb_lengths(seen)[None]).mean(axis=2)
    colour = _colour_distance(tracks.colours, seen.colours)
    waited = np.broadcast_to(np.log1p(gap / GAP_S)[:, None], (k, n))
    return np.stack(
        [
            pairwise_oks(expected, seen.keypoints_px, AREA_OF_BOX * size**2),
            far[0],
            far[1],
            pairwise_iou(expected_boxes, seen.boxes_xywh_px),
            np.abs(grown),
            limbs,
            colour,
            waited,
            far[0] * waited,
            colour * waited,
        ],
        axis=2,
    )


def pairwise_oks(
    a_px: NDArray[np.float64], b_px: NDArray[np.float64], area_px2: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Mean joint similarity (k, n) of poses (k, 17, 2) and (n, 17, 2), for people of areas (k, n)."""
    k, n = len(a_px), len(b_px)
    a = np.repeat(a_px, n, axis=0)
    b = np.tile(b_px, (k, 1, 1))
    return joint_similarities(a, b, area_px2.ravel(), COCO_SIGMAS).mean(axis=1).reshape(k, n)


def _colour_distance(a: NDArray[np.float64], b: NDArray[np.float64]) -> NDArray[np.float64]:
    """Median distance (k, n) over the limbs whose colour both know; `USUAL_COLOUR` where there is none."""
    apart = np.linalg.norm(a[:, None] - b[None], axis=3)
    unknown = np.isnan(apart)
    apart = np.where(unknown, np.inf, apart)
    known = (~unknown).sum(axis=2)
    in_order = np.sort(apart, axis=2)
    middle = np.take_along_axis(in_order, (np.maximum(known - 1, 0) // 2)[..., None], axis=2)[..., 0]
    return np.where(known > 0, middle, USUAL_COLOUR)
