"""Who is who from frame to frame: people linked along a video by how much their boxes overlap.

`link_tracks` gives track ids; `neighbours` finds each person's row in the frames before and after; `frame_times` says
when frames were shown; `track_lengths` and `run_lengths` say over how many frames somebody is, and could be, followed.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from dataengine.films.matching import matched

NOBODY = -1


def link_tracks(
    video: NDArray[np.str_],
    frame: NDArray[np.int64],
    bbox_xywh_px: NDArray[np.floating[Any]],
    *,
    min_overlap: float,
    max_gap: int,
) -> NDArray[np.int64]:
    """Track ids (n,) of people given by video, frame index and box.

    People of consecutive listed frames, at most `max_gap` frames apart, are matched for the greatest total overlap
    (Hungarian method); pairs below `min_overlap` stay apart. A person outside any video gets -1.
    """
    track = np.full(len(frame), NOBODY, dtype=np.int64)
    unused = 0
    for name in np.unique(video[video != ""]):
        before = np.empty(0, dtype=np.int64)
        for index in np.unique(frame[video == name]):
            now = np.flatnonzero((video == name) & (frame == index))
            if len(before) and index - frame[before[0]] <= max_gap:
                for i, j in matched(bbox_xywh_px[before], bbox_xywh_px[now], min_overlap):
                    track[now[j]] = track[before[i]]
            for row in now[track[now] == NOBODY]:
                track[row], unused = unused, unused + 1
            before = now
    return track


def neighbours(track_id: NDArray[np.int64], frame: NDArray[np.int64]) -> NDArray[np.int64]:
    """Rows (n, 2) of the same person in the frame before and after; -1 for none."""
    neighbour_rows = np.full((len(frame), 2), NOBODY, dtype=np.int64)
    for identity in np.unique(track_id[track_id != NOBODY]):
        rows = np.flatnonzero(track_id == identity)
        rows = rows[np.argsort(frame[rows])]
        neighbour_rows[rows[1:], 0] = rows[:-1]
        neighbour_rows[rows[:-1], 1] = rows[1:]
    return neighbour_rows


def frame_times(video: NDArray[np.str_], frame: NDArray[np.int64], time_s: NDArray[np.float64]) -> NDArray[np.float64]:
    """When each frame (n,) was shown: in seconds where the whole video has time stamps, else by frame index.

    Frames of one video are in one unit; those of two videos may not be.
    """
    unstamped = np.unique(video[~np.isfinite(time_s)])
    return np.where(np.isin(video, unstamped), frame, time_s)


def track_lengths(track_id: NDArray[np.int64]) -> NDArray[np.int64]:
    """Over how many frames each person (n,) is followed; 1 outside of any video."""
    _, place, count = np.unique(track_id, return_inverse=True, return_counts=True)
    return np.where(track_id == NOBODY, 1, count[place]).astype(np.int64)


def run_lengths(video: NDArray[np.str_], frame: NDArray[np.int64], max_gap: int) -> NDArray[np.int64]:
    """How many listed frames (m,) follow each other at most `max_gap` apart, around each; 1 outside any video."""
    order = np.lexsort([frame, video])
    apart = (video[order][1:] != video[order][:-1]) | (np.diff(frame[order]) > max_gap) | (video[order][1:] == "")
    run = np.empty(len(frame), dtype=np.int64)
    run[order] = np.concatenate([[0], np.cumsum(apart)])[: len(frame)]
    return np.bincount(run)[run] if len(run) else run
