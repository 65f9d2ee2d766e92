"""Tracks along a film by association on keypoints, one frame after the other."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import linear_sum_assignment

from dataengine.films.detectors import Memory
from dataengine.people import JOINTS

from .association import Association
from .pair_signs import TrackStates, limb_lengths, pair_signs
from .sightings import LIMBS, Sightings

LONGEST_GAP_S = 2.0
REMEMBERS = 0.9  # what a track keeps of its average at each new pose
SMOOTHS_S = 0.15  # time constant of a track's speed


@dataclass(frozen=True, eq=False)
class _Track:
    id: int
    time_s: float
    keypoints_px: NDArray[np.float64]  # (17, 2)
    speed_px_s: NDArray[np.float64]  # (2,)
    box_xywh_px: NDArray[np.float64]  # (4,)
    limbs: NDArray[np.float64]  # (limbs,)
    colours: NDArray[np.float64]  # (limbs, 3)


class PoseTracker:
    """Matches tracks and new poses for the greatest total log odds above the least ones (Hungarian method).

    A track that nobody matches waits for `longest_gap_s`, so that who was hidden comes back as the same person.
    """

    def __init__(self, association: Association, longest_gap_s: float = LONGEST_GAP_S) -> None:
        self._association, self._longest_gap_s = association, longest_gap_s
        self._tracks: list[_Track] = []
        self._unused = 0

    def memory(self) -> Memory:
        """What it needs to go on after this frame, as JSON has it."""
        return [[float(self._unused)], *(_as_numbers(track) for track in self._tracks)]

    def remember(self, memory: Memory) -> None:
        """Go on from there; an empty memory is that of a film's start."""
        self._unused = int(memory[0][0]) if memory else 0
        self._tracks = [_of_numbers(numbers) for numbers in memory[1:]]

    def __call__(self, seen: Sightings, image_bgr: NDArray[np.uint8] | None = None) -> NDArray[np.int64]:
        """Track ids (n,) of the people in the next frame."""
        self._tracks = [track for track in self._tracks if seen.time_s - track.time_s <= self._longest_gap_s]
        ids = np.full(len(seen), -1, dtype=np.int64)
        lengths = limb_lengths(seen)
        if self._tracks and len(seen):
            gain = self._association.log_odds(pair_signs(states_of(self._tracks), seen))
            gain = gain - self._association.least_log_odds
            # a pair below it is worth nothing, so it never takes the place of one that is worth something
            for i, j in zip(*linear_sum_assignment(-np.maximum(gain, 0.0)), strict=True):
                if gain[i, j] > 0:
                    ids[j] = self._tracks[i].id
                    self._tracks[i] = _continued(self._tracks[i], seen, int(j), lengths[j])
        for row in np.flatnonzero(ids < 0):
            ids[row] = self._unused
            self._tracks.append(_begun(self._unused, seen, int(row), lengths[row]))
            self._unused += 1
        return ids


UNSEEN = -1.0  # a colour that JSON can hold


def _as_numbers(track: _Track) -> list[float]:
    colours = np.where(np.isnan(track.colours), UNSEEN, track.colours)
    parts = ([track.id, track.time_s], track.keypoints_px, track.speed_px_s, track.box_xywh_px, track.limbs, colours)
    return [float(value) for part in parts for value in np.ravel(part)]


def _of_numbers(numbers: list[float]) -> _Track:
    ends = np.cumsum([2, 2 * JOINTS, 2, 4, len(LIMBS)])
    head, points, speed, box, limbs, colours = np.split(np.array(numbers), ends)
    colours = np.where(colours == UNSEEN, np.nan, colours).reshape(len(LIMBS), 3)
    return _Track(int(head[0]), float(head[1]), points.reshape(JOINTS, 2), speed, box, limbs, colours)


def states_of(tracks: list[_Track]) -> TrackStates:
    """The tracks as arrays."""
    return TrackStates(
        np.array([track.time_s for track in tracks]),
        np.stack([track.keypoints_px for track in tracks]),
        np.stack([track.speed_px_s for track in tracks]),
        np.stack([track.box_xywh_px for track in tracks]),
        np.stack([track.limbs for track in tracks]),
        np.stack([track.colours for track in tracks]),
    )


def state_after(history: list[Sightings]) -> TrackStates:
    """The track (k = 1) of somebody who was alone in each of these frames, for learning."""
    track = _begun(0, history[0], 0, limb_lengths(history[0])[0])
    for seen in history[1:]:
        track = _continued(track, seen, 0, limb_lengths(seen)[0])
    return states_of([track])


def _begun(identity: int, seen: Sightings, row: int, limbs: NDArray[np.float64]) -> _Track:
    return _Track(
        identity,
        seen.time_s,
        seen.keypoints_px[row],
        np.zeros(2),
        seen.boxes_xywh_px[row],
        limbs,
        seen.colours[row],
    )


def _continued(track: _Track, seen: Sightings, row: int, limbs: NDArray[np.float64]) -> _Track:
    gap = seen.time_s - track.time_s
    speed = track.speed_px_s
    if gap > 0:
        now = np.median(seen.keypoints_px[row] - track.keypoints_px, axis=0) / gap
        kept = np.exp(-gap / SMOOTHS_S)
        speed = kept * speed + (1 - kept) * now
    fresh = seen.colours[row]
    colours = np.where(np.isnan(track.colours), fresh, REMEMBERS * track.colours + (1 - REMEMBERS) * fresh)
    return _Track(
        track.id,
        seen.time_s,
        seen.keypoints_px[row],
        speed,
        seen.boxes_xywh_px[row],
        REMEMBERS * track.limbs + (1 - REMEMBERS) * limbs,
        np.where(np.isnan(fresh), track.colours, colours),
    )
