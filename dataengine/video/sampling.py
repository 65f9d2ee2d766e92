"""Which frames of a video are worth keeping: by rate, by change, and sharp.

`sample_frames` does it all; `survey` looks at a thumbnail of every frame, `choose` decides from those. Where the rate
alone decides, the video is decoded once; else twice, because sharpness is judged against the whole shot.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from dataengine.errors import ParamsError
from dataengine.terminal.progress import track
from dataengine.video.decoding import Frame, Reporter, Teller, decoded_frames, iter_frames, seconds
from dataengine.video.shots import difference, shot_starts

THUMBNAIL_PX = (32, 18)
SHARPNESS_WIDTH_PX = 320  # finer detail than this is mostly noise and coding
"""Sizes (width, height) at which frames are compared, and the width at which sharpness is measured."""


@dataclass(frozen=True)
class FrameSampling:
    """How frames are chosen. Each rule drops frames; the defaults drop none."""

    every: int = 1
    """Take every n-th frame; used where fps is 0."""
    fps: float = 0.0
    """Frames per second by the clock of the video, which may run unevenly; 0 goes by `every`."""
    min_change: float = 0.0
    """A frame must differ from the last one kept by this: mean absolute difference of small pictures, 0 to 1. 0.01
    skips near-duplicates; 0.05 and more samples by change. The first frame of a shot is always new."""
    min_sharpness: float = 0.0
    """Variance of the Laplacian over its median in the shot: 0.5 drops the clearly blurred."""

    def __post_init__(self) -> None:
        if self.every < 1 or not 0 <= self.fps <= 1000:
            raise ParamsError("frame sampling", expected="every >= 1 and fps 0..1000", got=f"{self.every}, {self.fps}")
        if not (0 <= self.min_change < 1 and 0 <= self.min_sharpness < 1):
            raise ParamsError(
                "frame sampling",
                expected="min_change and min_sharpness 0 or more and below 1",
                got=f"{self.min_change}, {self.min_sharpness}",
            )

    @property
    def by_rate_alone(self) -> bool:
        """Whether no rule looks at the pictures."""
        return not self.min_change and not self.min_sharpness


@dataclass(frozen=True, eq=False)
class Survey:
    """Every frame of a video, as a thumbnail."""

    time_s: NDArray[np.float64]  # (n,) presentation times
    thumbnails: NDArray[np.uint8]  # (n, h, w, 3) BGR, as coded: not turned upright
    sharpness: NDArray[np.float64]  # (n,) variance of the Laplacian
    shot: NDArray[np.int64]  # (n,) number of the shot, from 0
    damaged: NDArray[np.bool_]  # (n,) in part made up by the decoder


def sample_frames(
    path: Path, sampling: FrameSampling, *, tell: Teller | None = None, report: Reporter | None = None
) -> Iterator[Frame]:
    """The frames of a video that `sampling` keeps, upright, in display order; errors as `iter_frames`.

    Damaged ones are left out.
    """
    if sampling.by_rate_alone and not sampling.fps:
        frames = iter_frames(path, every=sampling.every, tell=tell, report=report)
        yield from (frame for frame in frames if not frame.damaged)
        return
    if sampling.by_rate_alone:
        slots = _Slots(sampling.fps)
        frames = iter_frames(path, tell=tell, report=report)
        yield from (frame for frame in frames if not frame.damaged and slots.opens(frame.pts_s))
        return
    wanted = set(choose(survey(path, tell=tell, report=report), sampling).tolist())
    # by their places among the decoded frames: where some are lost, indices have gaps
    for place, frame in enumerate(iter_frames(path, tell=lambda line: None)):  # its faults were reported above
        if place in wanted:
            yield frame
        if place >= max(wanted, default=0):
            return


def survey(path: Path, *, tell: Teller | None = None, report: Reporter | None = None) -> Survey:
    """Decode the whole video and keep a thumbnail, the sharpness and the time of each frame."""
    times, thumbnails, sharpness, damaged = [], [], [], []
    for index, frame, stream in track(
        decoded_frames(path, tell=tell, report=report), f"survey {path.name}", unit="frame"
    ):
        height = max(2, round(frame.height * min(1.0, SHARPNESS_WIDTH_PX / frame.width)))
        scaled = frame.reformat(width=min(frame.width, SHARPNESS_WIDTH_PX), height=height, format="bgr24")
        small = np.asarray(scaled.to_ndarray(), dtype=np.uint8)
        times.append(seconds(frame, stream, index))
        thumbnails.append(cv2.resize(small, THUMBNAIL_PX, interpolation=cv2.INTER_AREA))
        sharpness.append(sharpness_of(small))
        damaged.append(bool(frame.is_corrupt))
    stacked = np.asarray(np.stack(thumbnails), dtype=np.uint8)
    starts = np.zeros(len(stacked), dtype=np.int64)
    starts[shot_starts(stacked)] = 1
    return Survey(np.array(times), stacked, np.array(sharpness), np.cumsum(starts) - 1, np.array(damaged, dtype=bool))


def sharpness_of(image_bgr: NDArray[np.uint8]) -> float:
    """Variance of the Laplacian of the grey image (Pech-Pacheco et al., ICPR 2000): less is more blurred."""
    grey = cv2.cvtColor(image_bgr, cv2.COLOR_BGR2GRAY)
    return float(cv2.Laplacian(grey, cv2.CV_64F).var())


def choose(seen: Survey, sampling: FrameSampling) -> NDArray[np.int64]:
    """Places in `seen` of the frames to keep, ascending.

    Where a rate is asked for and a frame is too blurred or damaged, the next good one of the same slot takes its place.
    """
    median = np.array([np.median(seen.sharpness[seen.shot == shot]) for shot in range(int(seen.shot.max()) + 1)])
    sharp = seen.sharpness >= sampling.min_sharpness * median[seen.shot]
    slots = _Slots(sampling.fps) if sampling.fps else _Slots(1 / sampling.every)
    clock = seen.time_s if sampling.fps else np.arange(len(seen.time_s), dtype=np.float64)
    kept_indices: list[int] = []
    for index in np.flatnonzero(sharp & ~seen.damaged):
        last = kept_indices[-1] if kept_indices else None
        same_shot = last is not None and seen.shot[last] == seen.shot[index]
        if same_shot and difference(seen.thumbnails[last], seen.thumbnails[index]) < sampling.min_change:
            continue
        if slots.opens(float(clock[index])):
            kept_indices.append(int(index))
    return np.array(kept_indices, dtype=np.int64)


class _Slots:
    """Divides time into slots of 1 / rate and lets one frame pass in each; a gap in time is not made up for."""

    def __init__(self, rate: float) -> None:
        self._rate = rate
        self._origin: float | None = None
        self._last = -1

    def opens(self, time: float) -> bool:
        """Whether `time` lies in a later slot than the last one that was let pass."""
        self._origin = time if self._origin is None else self._origin
        slot = int(np.floor((time - self._origin) * self._rate + 1e-6))
        if slot <= self._last:
            return False
        self._last = slot
        return True
