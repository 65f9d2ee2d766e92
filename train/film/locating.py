"""Boxes and track ids of every frame, from detections of every few of them.

Between two detections a person's box moves in a straight line by the frames' times; somebody who is in one of the two
only is there in that frame alone. So a frame waits for the next detection at most, and no box waits for a network.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from dataengine.films.detectors import FilmDetector, Memory
from dataengine.films.matching import matched
from dataengine.video.decoding import Frame


@dataclass(frozen=True, eq=False)
class Located:
    """A frame with the people in it."""

    frame: Frame
    boxes_xywh_px: NDArray[np.float64]  # (n, 4)
    track_id: NDArray[np.int64]  # (n,)
    resume: "Resume | None" = None
    """From where to go on, in a frame in which people were detected."""


@dataclass(frozen=True)
class Resume:
    """The state in which locating goes on with the frame `index`, whose people are known."""

    index: int = 0
    boxes_xywh_px: Memory = field(default_factory=list)
    track_id: list[int] = field(default_factory=list)
    unused: int = 0
    """The next track id."""
    memory: Memory = field(default_factory=list)
    """The detector's."""
    followed: Memory = field(default_factory=list)
    """That of `following.JointFollower`, where it is used."""


class Locator:
    """Follows people through one film."""

    def __init__(
        self, detector: FilmDetector, *, min_overlap: float, max_gap: int, resume: Resume | None = None
    ) -> None:
        """`min_overlap`: least overlap of a person's boxes in two detections, at most `max_gap` frames apart."""
        self._detector, self._min_overlap, self._max_gap = detector, min_overlap, max_gap
        self._unused = resume.unused if resume else 0
        self._resume = resume
        if resume:
            detector.remember(resume.memory)

    def __call__(self, frames: Iterable[Frame]) -> Iterator[Located]:
        """All `frames` in order, with their people."""
        before: Located | None = None
        held: list[Frame] = []
        for number, frame in enumerate(frames):
            if number % self._detector.every:
                held.append(frame)
            else:
                now = self._known(frame) or self._detected(before, frame)
                yield from between(before, now, held)
                yield now
                before, held = now, []
        if held:
            now = self._detected(before, held[-1])
            yield from between(before, now, held[:-1])
            yield now

    def _known(self, frame: Frame) -> Located | None:
        """The people of the frame from which the film goes on, and nobody of any other."""
        resume, self._resume = self._resume, None
        if resume is None or resume.index != frame.index:
            return None
        boxes = np.array(resume.boxes_xywh_px, dtype=np.float64).reshape(-1, 4)
        return Located(frame, boxes, np.array(resume.track_id, dtype=np.int64), resume)

    def _detected(self, before: Located | None, frame: Frame) -> Located:
        boxes = self._detector.boxes(frame.index, frame.image_bgr)
        track_id = np.full(len(boxes), -1, dtype=np.int64)
        if before is not None and frame.index - before.frame.index <= self._max_gap:
            for i, j in matched(before.boxes_xywh_px, boxes, self._min_overlap):
                track_id[j] = before.track_id[i]
        new = np.flatnonzero(track_id < 0)
        track_id[new] = self._unused + np.arange(len(new))
        self._unused += len(new)
        resume = Resume(frame.index, boxes.tolist(), track_id.tolist(), self._unused, self._detector.memory())
        return Located(frame, boxes, track_id, resume)


def between(before: Located | None, after: Located, held: Iterable[Frame]) -> Iterator[Located]:
    """The frames `held` between two detections, with the people of both."""
    start = before or after
    tracks, at_start, at_end = np.intersect1d(start.track_id, after.track_id, return_indices=True)
    span_s = after.frame.pts_s - start.frame.pts_s
    for frame in held:
        share = (frame.pts_s - start.frame.pts_s) / span_s if span_s > 0 else 0.5
        boxes = (1 - share) * start.boxes_xywh_px[at_start] + share * after.boxes_xywh_px[at_end]
        yield Located(frame, boxes, tracks)
