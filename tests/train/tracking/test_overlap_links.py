"""Tracks by overlap, and how long somebody was followed, on constructed cases."""

import numpy as np

from dataengine.train.tracking.overlap_links import frame_times, link_tracks, neighbours, run_lengths, track_lengths


def test_times_are_stamps_where_the_whole_video_has_them_else_frame_numbers() -> None:
    video, frame = np.array(["a", "a", "b", "b", ""]), np.array([3, 7, 0, 2, -1])
    time_s = np.array([0.1, 0.5, np.nan, 0.2, np.nan])
    assert frame_times(video, frame, time_s).tolist() == [0.1, 0.5, 0, 2, -1]


def test_two_people_who_walk_towards_each_other_keep_their_tracks() -> None:
    x = np.array([[0, 60], [8, 52], [16, 44]])
    boxes = np.array([[left, 0, 20, 40] for row in x for left in row], dtype=float)
    boxes[[2, 3]] = boxes[[3, 2]]  # listed the other way round in the second frame
    video, frame = np.array(["walk"] * 6), np.repeat([0, 2, 4], 2)
    tracks = link_tracks(video, frame, boxes, min_overlap=0.3, max_gap=2)
    assert tracks.tolist() == [0, 1, 1, 0, 0, 1]
    assert neighbours(tracks, frame).tolist() == [[-1, 3], [-1, 2], [1, 5], [0, 4], [3, -1], [2, -1]]


def test_tracks_break_at_gaps_cuts_and_the_end_of_a_video() -> None:
    boxes = np.tile([0.0, 0.0, 20.0, 40.0], (6, 1))
    boxes[2, 0] = 500
    video = np.array(["a", "a", "a", "a", "b", ""])
    frame = np.array([0, 1, 2, 9, 10, -1])
    assert link_tracks(video, frame, boxes, min_overlap=0.3, max_gap=3).tolist() == [0, 1 - 1, 1, 2, 3, -1]


def test_nobody_has_no_track() -> None:
    none = np.empty(0, dtype=np.int64)
    assert link_tracks(np.empty(0, str), none, np.empty((0, 4)), min_overlap=0.3, max_gap=3).shape == (0,)
    assert neighbours(none, none).shape == (0, 2)


def test_how_long_somebody_is_and_could_be_followed() -> None:
    video = np.array(["a", "a", "a", "b", "", "a"])
    assert run_lengths(video, np.array([4, 0, 2, 3, -1, 9]), 2).tolist() == [3, 3, 3, 1, 1, 1]
    assert track_lengths(np.array([3, -1, 3, -1, 0])).tolist() == [2, 1, 2, 1, 1]
    assert run_lengths(np.empty(0, str), np.empty(0, int), 2).shape == (0,)
