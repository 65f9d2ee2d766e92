"""Video frames in display order, upright, as BGR arrays.

`iter_frames` decodes with PyAV and applies the rotation that phones write into the container instead of
turning the pixels. `video_hash` names a video by its bytes, so that a renamed file keeps its identity.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import av
import numpy as np
from numpy.typing import NDArray

from dataengine.errors import InputError
from dataengine.files import sha256_file

RIGHT_ANGLE_TOLERANCE_DEG = 1.0


@dataclass(frozen=True, eq=False)
class Frame:
    """One decoded frame."""

    index: int
    """0-based position in display order, counted over all frames whatever the stride."""
    pts_s: float
    """Presentation time in seconds from the start of the stream's clock."""
    image_bgr: NDArray[np.uint8]
    """(height, width, 3) pixels, already upright."""


def iter_frames(path: Path, *, every: int = 1, start: int = 0, stop: int | None = None) -> Iterator[Frame]:
    """Yield frames start, start + every, ... below stop (None: to the end), turned upright.

    Raises InputError when the file is missing, holds no video, or breaks off while decoding: a damaged
    video is never taken for a shorter one.
    """
    if every < 1 or start < 0:
        raise InputError(
            f"{path}: bad frame range", expected="every >= 1, start >= 0", got=f"every={every}, start={start}"
        )
    index = -1
    try:
        with av.open(str(path)) as container:
            stream = _video_stream(container, path)
            for index, frame in enumerate(container.decode(stream)):
                if stop is not None and index >= stop:
                    return
                if index >= start and (index - start) % every == 0:
                    yield Frame(index, _seconds(frame, stream, index), _upright_bgr(frame))
    except (av.FFmpegError, OSError) as error:
        raise InputError(
            f"{path}: cannot decode past frame {index}",
            expected="a video that FFmpeg decodes to the end",
            got=str(error),
            mend="check the file, or write it again with ffmpeg",
        ) from error


def video_hash(path: Path) -> str:
    """Sha256 of the file's bytes, hexadecimal."""
    return sha256_file(path)


def _video_stream(container: av.container.InputContainer, path: Path) -> av.VideoStream:
    if not container.streams.video:
        raise InputError(f"{path}: no video in this file", expected="a video stream", got="none")
    stream = container.streams.video[0]
    stream.thread_type = "AUTO"
    return stream


def _seconds(frame: av.VideoFrame, stream: av.VideoStream, index: int) -> float:
    """Raw elementary streams carry no time stamps: there the frame rate has to do."""
    if frame.time is not None:
        return float(frame.time)
    return index / float(stream.average_rate or 1)


def _upright_bgr(frame: av.VideoFrame) -> NDArray[np.uint8]:
    """FFmpeg's display matrix states the counter-clockwise turn, which is numpy's rot90 direction too."""
    image = frame.to_ndarray(format="bgr24")
    quarter_turns = round(frame.rotation / 90)
    if abs(frame.rotation - 90 * quarter_turns) > RIGHT_ANGLE_TOLERANCE_DEG:
        raise InputError("video turned by an odd angle", expected="a multiple of 90 degrees", got=f"{frame.rotation}")
    return np.ascontiguousarray(np.rot90(image, quarter_turns)).astype(np.uint8, copy=False)
