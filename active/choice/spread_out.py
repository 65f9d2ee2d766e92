"""Neighbours in time, of which one is enough, and films, of which none is to take all."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.floating[Any]]
Indices = NDArray[np.int64]


def thin_in_time(scores: Floats, video: NDArray[np.str_], frame: NDArray[np.int64], min_gap_frames: int) -> Indices:
    """Rows that remain when each, from the highest score down, drops its neighbours in time.

    Afterwards two rows of one video are at least `min_gap_frames` apart. Rows without a video stay.

    Args:
        scores: (c,) which of two neighbours is kept.
        video: (c,) video of each candidate, "" for a still image.
        frame: (c,) frame index in that video.
        min_gap_frames: 0 or 1 keeps every frame.
    """
    kept_rows: list[int] = []
    frames_of: dict[str, list[int]] = {}
    for row in np.argsort(-np.asarray(scores, dtype=np.float64), kind="stable"):
        neighbours = frames_of.setdefault(str(video[row]), [])
        if video[row] and any(abs(int(frame[row]) - other) < min_gap_frames for other in neighbours):
            continue
        neighbours.append(int(frame[row]))
        kept_rows.append(int(row))
    return np.sort(np.array(kept_rows, dtype=np.int64))
