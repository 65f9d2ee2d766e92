"""Video frames in display order, upright, as BGR arrays.

`iter_frames` decodes with PyAV and shows frames turned and mirrored as players do (`orientation`). Decoding goes on
after damaged packets; one line says how many frames were lost. `video_hash` names a
video by its bytes, so that a renamed file keeps its identity; with index and pts it makes a frame's `FrameAddress`.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import av
import numpy as np
from av.codec.context import Flags
from numpy.typing import NDArray

from dataengine.errors import InputError
from dataengine.files import sha256_file
from dataengine.terminal.speech import say

from .orientation import Orientation
from .timetable import PacketReader, Packets, Timetable, opened, read_packets

LARGEST_FRAME_PX = 1 << 26  # 8192 x 8192: a header that claims more is taken for hostile input


@dataclass(frozen=True)
class DecodedFilm:
    """What became of the frames of a film that was decoded to its end."""

    path: Path
    frames: int
    """Decoded."""
    lost: int
    """In the film, but not decoded: damaged, cut off, or of no use without such a frame."""
    damaged: int
    """Decoded, but in part made up by the decoder."""
    fault: str
    """What the decoder said first; "" where it said nothing."""

    last: int
    """Index of the last frame."""

    def line(self) -> str:
        """For the user; "" where nothing is wrong."""
        if not self.lost and not self.damaged and not self.fault:
            return ""
        why = f": {self.fault}" if self.fault else ""
        whole = self.frames + self.lost
        wrong = f"{self.lost} of {whole} frames are lost" + (f", {self.damaged} are damaged" if self.damaged else "")
        return f"{self.path}: {wrong}, the others up to frame {self.last} are used{why}"


Teller = Callable[[str], None]
Reporter = Callable[[DecodedFilm], None]


@dataclass(frozen=True, eq=False)
class Frame:
    """One decoded frame."""

    index: int
    """0-based place in display order among all frames of the film, whatever the stride; lost frames count, too, so
    that damage does not change the number of any other frame."""
    pts_s: float
    """Presentation time in seconds from the start of the stream's clock."""
    pts: int
    """The same in the stream's own ticks, exact; -1 where the file has no time stamps."""
    image_bgr: NDArray[np.uint8]
    """(height, width, 3) pixels, already upright."""
    damaged: bool = False
    """Whether the decoder had to make some of it up, since a frame that it rests on is lost."""


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
    stop: int | None = None,
    tell: Teller | None = None,
    report: Reporter | None = None,
) -> Iterator[Frame]:
    """Yield frames 0, every, 2 * every, ... below stop (None: to the end), as players show them.

    A lost frame is passed over. After the last frame of the film `tell` gets one line if any was lost or damaged (None:
    standard error), and `report` what became of them all. Raises InputError when the file is missing, is not a video,
    has no video stream, or none of its frames can be decoded.
    """
    if every < 1:
        raise InputError(f"{path}: bad frame range", expected="every >= 1", got=f"every={every}")
    orientation = Orientation()
    for index, frame, stream in decoded_frames(path, stop=stop, tell=tell, report=report):
        if index % every == 0:
            pts = -1 if frame.pts is None else int(frame.pts)
            image = np.asarray(frame.to_ndarray(format="bgr24"), dtype=np.uint8)
            shown = orientation.shown_as(frame, image)
            yield Frame(index, seconds(frame, stream, index), pts, shown, bool(frame.is_corrupt))


def decoded_frames(
    path: Path, *, stop: int | None = None, tell: Teller | None = None, report: Reporter | None = None
) -> Iterator[tuple[int, av.VideoFrame, av.VideoStream]]:
    """Index, frame as FFmpeg gives it, and stream, for callers that need no BGR pixels; errors as `iter_frames`."""
    number, packets = read_packets(path)
    timetable, faults, count, damaged = Timetable(packets), list[str](), 0, 0
    for frame, stream in _all_frames(path, number, packets, faults):
        index = timetable.place(frame.pts)
        if stop is not None and index >= stop:
            return
        count += 1
        damaged += bool(frame.is_corrupt)
        yield index, frame, stream
    fault = faults[0] if faults else ""
    if not count:
        raise InputError(f"{path}: no frame can be decoded", got=fault or "an empty video stream", fix="drop the file")
    decoded = DecodedFilm(path, count, _lost(packets, timetable, count, fault), damaged, fault, timetable.last)
    if line := decoded.line():
        (tell or say)(line)
    if report:
        report(decoded)


def video_hash(path: Path) -> str:
    """Sha256 of the file's bytes, hexadecimal."""
    return sha256_file(path)


def seconds(frame: av.VideoFrame, stream: av.VideoStream, index: int) -> float:
    """When the frame is shown. Raw elementary streams carry no time stamps; the time then comes from the frame rate."""
    if frame.time is not None:
        return float(frame.time)
    return index / float(stream.average_rate or 1)


def _film(container: av.container.InputContainer, number: int, path: Path) -> av.VideoStream:
    (stream,) = [each for each in container.streams.video if each.index == number]
    if stream.width * stream.height > LARGEST_FRAME_PX:
        raise InputError(f"{path}: frames are too large", got=f"{stream.width} x {stream.height}", fix="scale it down")
    # Frames that lean on a lost one are shown, as players do; without this HEVC drops all up to the next key frame.
    stream.codec_context.flags |= Flags.output_corrupt
    return stream


def _all_frames(
    path: Path, number: int, packets: Packets, faults: list[str]
) -> Iterator[tuple[av.VideoFrame, av.VideoStream]]:
    """All frames of the stream that can be decoded; what cannot is named in `faults`.

    If the last packets are damaged, FFmpeg's threads keep back the frames that they hold at the end. One thread gives
    them: the film is then decoded once more for those.
    """
    last = None
    for threads in ("AUTO", "NONE"):
        with opened(path) as container:
            stream = _film(container, number, path)
            stream.thread_type = threads
            new_faults = list[str]()
            for frame in _frames(container, stream, new_faults):
                if threads == "AUTO" or last is None or (frame.pts is not None and frame.pts > last):
                    last = frame.pts
                    yield frame, stream
            faults += [] if faults else new_faults
        if last is None or not len(packets.pts) or last >= packets.pts.max():
            return


def _frames(
    container: av.container.InputContainer, stream: av.VideoStream, faults: list[str]
) -> Iterator[av.VideoFrame]:
    reader, is_sound = PacketReader(container, [stream]), False
    for packet in reader:
        if packet.is_corrupt:
            faults.append("a packet is cut off")
            continue
        try:
            frames = packet.decode()
        except av.EOFError:
            continue
        except (av.FFmpegError, OSError) as error:
            faults.append(error.strerror or str(error))
            continue
        for frame in frames:
            is_sound = is_sound or not frame.is_corrupt  # before the first sound frame there is nothing to lean on
            if is_sound:
                yield frame
    faults += reader.faults


def _lost(packets: Packets, timetable: Timetable, count: int, fault: str) -> int:
    """How many frames were not decoded.

    Without a fault, frames before the first one are no loss: a film that was cut begins with frames that lean on others
    that it no longer has. Nor is a difference of counts alone: AVI packs two frames into one packet.
    """
    lost = max(0, packets.frames - count)
    if fault:
        return lost
    return max(0, lost - timetable.unseen_before_first()) if len(packets.pts) else 0
