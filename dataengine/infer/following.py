"""Boxes and track ids of everybody in each picture of a film, from a detector that is asked about few of them.

Between detections a person's box follows from the joints that the network found last, moved on at the speed at which
it was moving. Whom the detector finds in the box of somebody known is the same person; who is found elsewhere is new.
Who is not found among everybody is looked for at the place where they should be. A track ends when two detections in a
row miss it, or when it is lost: its score is half of what it used to be, its box leaves the picture, or it has come to
lie on that of a track that the detector has seen since, or that is older. Then the next picture is looked at again.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from dataengine.blazepose.in_images import SAME_PERSON_OVERLAP
from dataengine.boxes import box_from_keypoints, box_iou, clip_boxes
from dataengine.films.matching import matched
from dataengine.people import JOINT_CONFIDENCE, People

from .shown import Shown

MIN_OVERLAP = 0.3  # of a track's box with a detection of the same person: that of `pseudo-label.track_overlap`
MOST_MISSED = 2
LOST_BELOW = 0.5
MOST_GROWTH = 1.15  # of a side from one estimate to the next
SURE_OF = 0.5  # of a person's median confidence: joints below are guesses, and draw no box
LEAST_SIDE_PX = 2.0


@dataclass
class _Track:
    id: int
    box: NDArray[np.float64]  # (4,) xywh px, where it was at `time_s`
    time_s: float
    speed: NDArray[np.float64] = field(default_factory=lambda: np.zeros(2))  # (2,) px a second
    missed: int = 0
    scores: float = 0.0
    """Sum of the scores so far, of `answers` pictures."""
    answers: int = 0

    def at(self, time_s: float) -> NDArray[np.float64]:
        """Its box at another time, of the same size."""
        return np.concatenate([self.box[:2] + self.speed * (time_s - self.time_s), self.box[2:]])


LookAgain = Callable[[Shown, NDArray[np.float64] | None], NDArray[np.float64]]
"""A picture, and boxes (m, 4) in which people are expected, to the boxes (n, 4) of those who are there; None instead of
boxes: of everybody."""


class Follower:
    """The tracks of one film. `place` says where everybody is, `learn` takes what the network made of it."""

    def __init__(self, look_again: LookAgain) -> None:
        self._look_again = look_again
        self._tracks: list[_Track] = []
        self._unused = 0
        self._has_lost = False

    def place(self, pictures: Sequence[Shown]) -> list[tuple[NDArray[np.float64], NDArray[np.int64]]]:
        """Boxes (n, 4) and track ids (n,) for each of the pictures, which follow each other."""
        return [self._placed(shown) for shown in pictures]

    def learn(self, pictures: Sequence[Shown], people: Sequence[People], is_taught: NDArray[np.bool_]) -> None:
        """Go on from the joints, those that are taught (17,), of the people in each of these pictures."""
        for track in list(self._tracks):
            rows = [(k, np.flatnonzero(found.track_id == track.id)) for k, found in enumerate(people)]
            seen = [(k, int(row[0])) for k, row in rows if len(row)]
            if seen and not self._learnt(track, pictures, people, seen, is_taught):
                self._lose(track)
        kept: list[_Track] = []
        for track in sorted(self._tracks, key=lambda each: (each.missed, each.id)):
            if not kept or box_iou(track.box, np.stack([each.box for each in kept])).max() < SAME_PERSON_OVERLAP:
                kept.append(track)
        self._tracks = sorted(kept, key=lambda each: each.id)

    def _placed(self, shown: Shown) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
        size_px = shown.image_bgr.shape[1::-1]
        if shown.boxes_xywh_px is not None:
            self._meet(shown, shown.boxes_xywh_px)
        elif self._has_lost:
            self._meet(shown, self._look_again(shown, None))
        inside = clip_boxes(self._expected(shown.time_s), size_px)
        is_there = inside[:, 2:].min(axis=1, initial=np.inf) >= LEAST_SIDE_PX
        ids = np.array([track.id for track in self._tracks], dtype=np.int64)
        for gone in [track for track, there in zip(self._tracks, is_there, strict=True) if not there]:
            self._lose(gone)
        return inside[is_there], ids[is_there]

    def _expected(self, time_s: float) -> NDArray[np.float64]:
        return np.array([track.at(time_s) for track in self._tracks]).reshape(-1, 4)

    def _meet(self, shown: Shown, found: NDArray[np.float64]) -> None:
        """Take over whom the detector found in the picture; the others are looked for where they are expected."""
        expected = self._expected(shown.time_s)
        known = dict(matched(expected, found, MIN_OVERLAP))
        place = {row: found[at] for row, at in known.items()}
        unknown = np.array([row for row in range(len(expected)) if row not in known], dtype=np.int64)
        if len(unknown):
            again = self._look_again(shown, expected[unknown])
            place |= {int(unknown[row]): again[at] for row, at in matched(expected[unknown], again, MIN_OVERLAP)}
        for row, track in enumerate(self._tracks):
            track.missed = 0 if row in place else track.missed + 1
            if row in place:
                track.box, track.time_s = place[row], shown.time_s
        self._tracks = [track for track in self._tracks if track.missed < MOST_MISSED]
        for at in sorted(set(range(len(found))) - set(known.values())):
            self._tracks.append(_Track(self._unused, found[at], shown.time_s))
            self._unused += 1
        self._has_lost = False

    def _learnt(
        self,
        track: _Track,
        pictures: Sequence[Shown],
        people: Sequence[People],
        seen: Sequence[tuple[int, int]],
        is_taught: NDArray[np.bool_],
    ) -> bool:
        """Whether the track goes on; its box is then that of its joints in the last picture."""
        joints = np.stack([people[k].keypoints_px[row] for k, row in seen])
        sure = np.stack([people[k].extras[JOINT_CONFIDENCE][row] for k, row in seen])
        draws = is_taught & (sure >= SURE_OF * np.median(sure[:, is_taught], axis=1, keepdims=True))
        boxes = box_from_keypoints(joints, draws.astype(int)).astype(np.float64)
        score = float(np.mean([people[k].score[row] for k, row in seen]))
        usual = track.scores / track.answers if track.answers else score
        track.scores, track.answers = track.scores + score * len(seen), track.answers + len(seen)
        last = pictures[seen[-1][0]]
        span_s = last.time_s - pictures[seen[0][0]].time_s
        middles = boxes[:, :2] + boxes[:, 2:] / 2
        shown_in = people[seen[-1][0]].bbox_xywh_px[seen[-1][1]].astype(np.float64)
        size = np.clip(boxes[-1, 2:], shown_in[2:] / MOST_GROWTH, shown_in[2:] * MOST_GROWTH)
        track.speed = (middles[-1] - middles[0]) / span_s if span_s > 0 else np.zeros(2)
        track.box, track.time_s = np.concatenate([middles[-1] - size / 2, size]), last.time_s
        return score >= LOST_BELOW * usual

    def _lose(self, track: _Track) -> None:
        if track in self._tracks:
            self._tracks.remove(track)
        self._has_lost = True
