"""Pictures of people in space: seen from the camera, from the side and from above, frame by frame."""

from collections.abc import Iterator, Sequence
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from dataengine.draw import LEFT_COLOR, MIDDLE_COLOR, RIGHT_COLOR, BgrImage
from dataengine.keypoints import COCO_KEYPOINTS, COCO_SKELETON

from .lifted import LiftedTrack

TILE_PX = 240
SIDE_M = 2.4  # of what a tile shows
BAR_M = 0.5  # of the bar that shows the scale
VIEWS = ("camera", "side", "above")
_AXES = {"camera": (0, 1), "side": (2, 1), "above": (0, 2)}  # of the camera's frame, right and down in the tile
_SIGNS = {"camera": (1, 1), "side": (1, 1), "above": (1, -1)}  # far is up, seen from above
_GREY = (150, 150, 150)


def pose_tiles(pose_m: NDArray[np.floating[Any]], caption: str) -> BgrImage:
    """One pose (17, 3), from the root, in each of `VIEWS` side by side, with a bar of `BAR_M`: (240, 720, 3)."""
    tiles = []
    for view in VIEWS:
        tile = np.full((TILE_PX, TILE_PX, 3), 255, dtype=np.uint8)
        points = pose_m[:, _AXES[view]] * _SIGNS[view] * TILE_PX / SIDE_M + TILE_PX / 2
        pixels = np.clip(np.nan_to_num(points), -TILE_PX, 2 * TILE_PX).round().astype(int)
        for a, b in COCO_SKELETON:
            cv2.line(tile, tuple(map(int, pixels[a])), tuple(map(int, pixels[b])), _color(a, b), 2, cv2.LINE_AA)
        cv2.putText(tile, view, (6, TILE_PX - 8), cv2.FONT_HERSHEY_SIMPLEX, 0.4, _GREY, 1, cv2.LINE_AA)
        _draw_scale(tile)
        tiles.append(tile)
    cv2.putText(tiles[0], caption, (6, 16), cv2.FONT_HERSHEY_SIMPLEX, 0.4, _GREY, 1, cv2.LINE_AA)
    return np.concatenate(tiles, axis=1)


def _draw_scale(tile: BgrImage) -> None:
    end, height = TILE_PX - 8, TILE_PX - 10
    begin = end - round(BAR_M * TILE_PX / SIDE_M)
    cv2.line(tile, (begin, height), (end, height), _GREY, 1)
    cv2.putText(tile, f"{BAR_M} m", (begin, height - 6), cv2.FONT_HERSHEY_SIMPLEX, 0.4, _GREY, 1, cv2.LINE_AA)


def film_frames(
    tracks: Sequence[tuple[str, NDArray[np.float64], LiftedTrack]], most: int
) -> Iterator[tuple[float, BgrImage]]:
    """(seconds, picture) of each moment at which one of the first `most` people is seen, below one another.

    `tracks` are names, times (f,) and what was lifted. Between a person's frames its last one stays; before the first
    and after the last its place is empty.
    """
    shown = tracks[:most]
    empty = np.full((TILE_PX, TILE_PX * len(VIEWS), 3), 255, dtype=np.uint8)
    for moment in sorted({float(time) for _, times, _ in shown for time in times}):
        rows = []
        for name, times, lifted in shown:
            frame = int(np.searchsorted(times, moment, side="right")) - 1
            rows.append(empty if frame < 0 or moment > times[-1] else pose_tiles(lifted.pose_m[frame], name))
        yield moment, np.concatenate(rows)


def _color(a: int, b: int) -> tuple[int, int, int]:
    sides = {COCO_KEYPOINTS[joint].split("_")[0] for joint in (a, b)}
    return LEFT_COLOR if sides == {"left"} else RIGHT_COLOR if sides == {"right"} else MIDDLE_COLOR
