"""Video frames in display order, upright, as BGR arrays.

`iter_frames` decodes with PyAV the stream that is the film, not its cover, and shows it as players do
(`display_matrix.py`). Decoding goes on after damage; what is lost is reported once, and counted in a `FilmAccount`.
`video_hash` names a video by its bytes, so that a renamed file keeps its identity; with index and pts it makes a
frame's `FrameAddress`.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import av
import numpy as np
from av.codec.context import Flags
from av.stream import Disposition
from numpy.typing import NDArray

from dataengine.errors import InputError
from dataengine.files import sha256_file
from dataengine.pictures.reading.orientation import turned
from dataengine.terminal.speech import say
from dataengine.video.display_matrix import orientation_of_frame

LARGEST_FRAME_PX = 1 << 26  # 8192 x 8192: a header that claims more is taken for hostile input
# Containers may state a few frames more than they show (trailing B-frames); more missing frames are a broken tail.
MISSING_FRAMES_TOLERATED, MISSING_SHARE_TOLERATED = 2, 0.01
STILL_CODECS = frozenset({"mjpeg", "png", "bmp", "gif", "webp", "tiff"})  # of artwork that is not marked as such
# A playlist must not make us read other files or the network.
_OPEN_OPTIONS = {"protocol_whitelist": "file"}

Teller = Callable[[str], None]


@dataclass(frozen=True, eq=False)
class Frame:
    """One decoded frame."""

    index: int
    """0-based position in display order among the frames that can be decoded, whatever the stride."""
    pts_s: float
    """Presentation time in seconds from the start of the stream's clock."""
    pts: int
    """The same in the stream's own ticks, exact; -1 where the file has no time stamps."""
    image_bgr: NDArray[np.uint8]
    """(height, width, 3) pixels, already upright."""
    damaged: bool = False
    """Whether the decoder had to make up some of it, because data that it rests on are lost."""


@dataclass
class FilmAccount:
    """What became of a film's frames; filled while it is decoded."""

    decoded: int = 0
    """Frames that came out, damaged ones among them."""
    damaged: int = 0
    """Decoded frames that rest on lost data."""
    lost: int = 0
    """Frames that could not be decoded."""
    packets: int = 0
    """Packets of the film in the file, as far as it could be read."""
    fault: str = ""
    """Why the file ends early, "" where it does not."""


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
    path: Path,
    *,
    every: int = 1,
    start: int = 0,
    stop: int | None = None,
    tell: Teller | None = None,
    account: FilmAccount | None = None,
) -> Iterator[Frame]:
    """Yield frames start, start + every, ... below stop (None: to the end), as a player shows them.

    Damage and a broken tail are passed over; `tell` gets one line about them (None: standard error), `account` the
    numbers. Raises InputError when the file is missing, is not a video, has no video stream, or none of its frames can
    be decoded.
    """
    if every < 1 or start < 0:
        raise InputError(
            f"{path}: bad frame range", expected="every >= 1, start >= 0", got=f"every={every}, start={start}"
        )
    for index, frame, stream in decoded_frames(path, stop=stop, tell=tell, account=account):
        if index >= start and (index - start) % every == 0:
            pts = -1 if frame.pts is None else int(frame.pts)
            yield Frame(index, seconds(frame, stream, index), pts, _upright_bgr(frame), bool(frame.is_corrupt))


def decoded_frames(
    path: Path, *, stop: int | None = None, tell: Teller | None = None, account: FilmAccount | None = None
) -> Iterator[tuple[int, av.VideoFrame, av.VideoStream]]:
    """Index, frame as FFmpeg gives it, and stream, for callers that need no BGR pixels; errors as `iter_frames`."""
    account = FilmAccount() if account is None else account
    ends_s = 0.0
    with _opened(path) as container:
        stream = _film(container, path)
        for frame in _frames_of(container, stream, account):
            if stop is not None and account.decoded > stop:
                return
            ends_s = max(ends_s, seconds(frame, stream, account.decoded - 1))
            yield account.decoded - 1, frame, stream
        account.fault = account.fault or _missing(stream, account.packets, ends_s)
    if not account.decoded:
        raise InputError(
            f"{path}: no frame can be decoded", got=account.fault or "an empty video stream", fix="drop the file"
        )
    if account.fault or account.lost or account.damaged:
        (tell or say)(_in_words(path, account))


def _frames_of(
    container: av.container.InputContainer, stream: av.VideoStream, account: FilmAccount
) -> Iterator[av.VideoFrame]:
    """Every frame that can be decoded, in display order."""
    packets = container.demux(stream)
    while True:
        try:
            packet = next(packets)
        except (StopIteration, av.EOFError):
            return
        except (av.FFmpegError, OSError) as error:
            account.fault = str(error)
            return
        account.packets += packet.size > 0
        try:
            frames = packet.decode()
        except av.EOFError:
            return
        except av.FFmpegError:
            account.lost += 1
            continue
        for frame in frames:
            account.decoded += 1
            account.damaged += bool(frame.is_corrupt)
            yield frame


def _in_words(path: Path, account: FilmAccount) -> str:
    """One line about what is missing of a film."""
    parts = []
    if account.fault:
        last = account.decoded - 1
        parts.append(f"broken after frame {last}, the {account.decoded} frames before are used: {account.fault}")
    if account.lost:
        parts.append(f"{account.lost} frames cannot be decoded, {account.decoded} can")
    if account.damaged:
        parts.append(f"{account.damaged} frames rest on lost data and are damaged")
    return f"{path}: {'; '.join(parts)}"


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


def _film(container: av.container.InputContainer, path: Path) -> av.VideoStream:
    """The stream that a player shows: no artwork where there is anything else, and of several FFmpeg's choice."""
    films = [stream for stream in container.streams.video if not stream.disposition & Disposition.attached_pic]
    if not films:
        raise InputError(f"{path}: no video in this file", expected="a video stream", got="none")
    moving = [stream for stream in films if stream.frames != 1 and stream.codec_context.name not in STILL_CODECS]
    best = container.streams.best("video")
    stream = best if best in (moving or films) else (moving or films)[0]
    if stream.width * stream.height > LARGEST_FRAME_PX:
        raise InputError(f"{path}: frames are too large", got=f"{stream.width} x {stream.height}", fix="scale it down")
    stream.thread_type = "AUTO"
    stream.codec_context.flags |= Flags.output_corrupt  # HEVC's decoder drops what rests on lost data, H.264's does not
    return stream


def _missing(stream: av.VideoStream, packets: int, ends_s: float) -> str:
    """What to say when the container promised more frames than there were; "" when all is well.

    It may state more than it shows, where an edit list cuts off the start or the end: then the last frame stands at
    the end of the duration that it states.
    """
    tolerated = max(MISSING_FRAMES_TOLERATED, MISSING_SHARE_TOLERATED * stream.frames)
    if stream.frames - packets <= tolerated:
        return ""
    if stream.duration and stream.time_base and stream.average_rate:
        left_s = float(stream.duration * stream.time_base) - ends_s
        if left_s * float(stream.average_rate) <= 1 + tolerated:
            return ""
    return f"the file states {stream.frames} frames"


def _upright_bgr(frame: av.VideoFrame) -> NDArray[np.uint8]:
    image = np.asarray(frame.to_ndarray(format="bgr24"), dtype=np.uint8)
    return np.ascontiguousarray(turned(image, orientation_of_frame(frame)))
