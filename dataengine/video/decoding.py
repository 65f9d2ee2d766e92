"""Video frames in display order, upright, as BGR arrays.

`iter_frames` decodes with PyAV and applies the rotation that phones write into the container instead of turning the
pixels. A file that breaks off yields the frames that are there, and its fault is reported once. `video_hash` names a
video by its bytes, so that a renamed file keeps its identity; with index and pts it makes a frame's `FrameAddress`.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import av
import numpy as np
from numpy.typing import NDArray

from dataengine.errors import InputError
from dataengine.files import sha256_file
from dataengine.terminal.speech import say

RIGHT_ANGLE_TOLERANCE_DEG = 1.0
LARGEST_FRAME_PX = 1 << 26  # 8192 x 8192: a header that claims more is taken for hostile input
# Containers may state a few frames more than they show (edit lists, trailing B-frames); more missing frames are a
# broken tail.
MISSING_FRAMES_TOLERATED, MISSING_SHARE_TOLERATED = 2, 0.01
# A playlist must not make us read other files or the network.
_OPEN_OPTIONS = {"protocol_whitelist": "file"}

Teller = Callable[[str], None]


@dataclass(frozen=True, eq=False)
class Frame:
    """One decoded frame."""

    index: int
    """0-based position in display order, counted over all frames whatever the stride."""
    pts_s: float
    """Presentation time in seconds from the start of the stream's clock."""
    pts: int
    """The same in the stream's own ticks, exact; -1 where the file has no time stamps."""
    image_bgr: NDArray[np.uint8]
    """(height, width, 3) pixels, already upright."""


@dataclass(frozen=True, order=True)
class FrameAddress:
    """The permanent name of a frame, whatever the file is called and however it is sampled."""

    video_sha256: str
    index: int
    pts: int

    def __str__(self) -> str:
        return f"{self.video_sha256}#{self.index}@{self.pts}"

    @classmethod
    def parse(cls, text: str) -> "FrameAddress":
        """Read what ``str`` wrote; anything else is an `InputError`.

        >>> str(FrameAddress.parse("3f2a#14@7168"))
        '3f2a#14@7168'
        >>> FrameAddress.parse("3f2a#14@7168").index
        14
        """
        digest, _, rest = text.partition("#")
        index, _, pts = rest.partition("@")
        try:
            return cls(digest, int(index), int(pts))
        except ValueError as error:
            raise InputError("not a frame address", expected="<sha256>#<index>@<pts>", got=repr(text)) from error


def iter_frames(
    path: Path, *, every: int = 1, start: int = 0, stop: int | None = None, tell: Teller | None = None
) -> Iterator[Frame]:
    """Yield frames start, start + every, ... below stop (None: to the end), turned upright.

    A broken tail ends the frames; `tell` gets one line about it (None: standard error). Raises InputError when the
    file is missing, is not a video, has no video stream, or none of its frames can be decoded.
    """
    if every < 1 or start < 0:
        raise InputError(
            f"{path}: bad frame range", expected="every >= 1, start >= 0", got=f"every={every}, start={start}"
        )
    for index, frame, stream in decoded_frames(path, stop=stop, tell=tell):
        if index >= start and (index - start) % every == 0:
            pts = -1 if frame.pts is None else int(frame.pts)
            yield Frame(index, seconds(frame, stream, index), pts, _upright_bgr(frame))


def decoded_frames(
    path: Path, *, stop: int | None = None, tell: Teller | None = None
) -> Iterator[tuple[int, av.VideoFrame, av.VideoStream]]:
    """Index, frame as FFmpeg gives it, and stream, for callers that need no BGR pixels; errors as `iter_frames`."""
    fault, index = "", -1
    with _opened(path) as container:
        stream = _video_stream(container, path)
        frames = container.decode(stream)
        while True:
            try:
                frame = next(frames)
            except (StopIteration, av.EOFError):
                break
            except (av.FFmpegError, OSError) as error:
                fault = str(error)
                break
            index += 1
            if stop is not None and index >= stop:
                return
            yield index, frame, stream
        fault = fault or _missing(stream, index + 1)
    if index < 0:
        raise InputError(f"{path}: no frame can be decoded", got=fault or "an empty video stream", fix="drop the file")
    if fault:
        (tell or say)(f"{path}: broken after frame {index}, the {index + 1} frames before are used: {fault}")


def video_hash(path: Path) -> str:
    """Sha256 of the file's bytes, hexadecimal."""
    return sha256_file(path)


def seconds(frame: av.VideoFrame, stream: av.VideoStream, index: int) -> float:
    """When the frame is shown. Raw elementary streams carry no time stamps; the time then comes from the frame rate."""
    if frame.time is not None:
        return float(frame.time)
    return index / float(stream.average_rate or 1)


def _opened(path: Path) -> av.container.InputContainer:
    try:
        return av.open(str(path), options=dict(_OPEN_OPTIONS))
    except (av.FFmpegError, OSError, ValueError) as error:
        raise InputError(
            f"{path}: cannot be opened as a video", got=str(error), fix="check the file, or write it again with ffmpeg"
        ) from error


def _video_stream(container: av.container.InputContainer, path: Path) -> av.VideoStream:
    if not container.streams.video:
        raise InputError(f"{path}: no video in this file", expected="a video stream", got="none")
    stream = container.streams.video[0]
    if stream.width * stream.height > LARGEST_FRAME_PX:
        raise InputError(f"{path}: frames are too large", got=f"{stream.width} x {stream.height}", fix="scale it down")
    stream.thread_type = "AUTO"
    return stream


def _missing(stream: av.VideoStream, decoded: int) -> str:
    """What to say when the container promised more frames than there were; "" when all is well."""
    missing = stream.frames - decoded
    if missing <= max(MISSING_FRAMES_TOLERATED, MISSING_SHARE_TOLERATED * stream.frames):
        return ""
    return f"the file states {stream.frames} frames"


def _upright_bgr(frame: av.VideoFrame) -> NDArray[np.uint8]:
    """FFmpeg's display matrix states the counter-clockwise turn, which is numpy's rot90 direction too."""
    image = frame.to_ndarray(format="bgr24")
    quarter_turns = round(frame.rotation / 90)
    if abs(frame.rotation - 90 * quarter_turns) > RIGHT_ANGLE_TOLERANCE_DEG:
        raise InputError("video turned by an odd angle", expected="a multiple of 90 degrees", got=f"{frame.rotation}")
    return np.ascontiguousarray(np.rot90(image, quarter_turns)).astype(np.uint8, copy=False)
