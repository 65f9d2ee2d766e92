"""Which stream of a file is the film, and which frames it holds: known from its packets before anything is decoded."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import av
import numpy as np
from av.stream import Disposition
from numpy.typing import NDArray

from dataengine.errors import InputError

NO_FILM = Disposition.attached_pic | Disposition.timed_thumbnails | Disposition.still_image
LEAST_CUT_OFF_FRAMES = 2.0  # by the mean rate; the last frame of uneven times may be shown for longer
MOST_READING_FAULTS = 1000  # places at which a file may fail to be read; then it is taken to end there


@dataclass(frozen=True, eq=False)
class Packets:
    """Packets of a stream that hold a frame to show, in the order of the file."""

    pts: NDArray[np.int64]  # (n,) empty where the stream states no presentation times
    count: int
    stated: int
    """Frames that the file states, without those that an edit list cuts away; 0 where it states none."""

    @property
    def frames(self) -> int:
        """Frames that the film should have."""
        return max(self.count, self.stated)


class Timetable:
    """The place in display order of each frame of a film, lost ones included.

    So the frames around a damaged place keep the numbers that they have in the whole film.
    """

    def __init__(self, packets: Packets) -> None:
        self.frames = packets.frames
        self._pts = np.sort(packets.pts)
        self._seen = np.zeros(len(self._pts), dtype=bool)
        self.last = -1

    def place(self, pts: int | None) -> int:
        """The index of the next frame that the decoder gave; always above the last one."""
        index = self.last + 1
        if pts is not None and len(self._pts):
            at = int(np.searchsorted(self._pts, pts))
            if at < len(self._pts) and self._pts[at] == pts:
                index = max(index, at)
                self._seen[min(index, len(self._seen) - 1)] = True
        self.last = index
        return index

    def unseen_before_first(self) -> int:
        """Frames before the first one that was decoded."""
        seen = np.flatnonzero(self._seen)
        return int(seen[0]) if len(seen) else 0


def opened(path: Path) -> av.container.InputContainer:
    """The file, open; nothing but it is read, whatever it names. Anything but a video is an `InputError`."""
    try:
        return av.open(str(path), options={"protocol_whitelist": "file"})
    except (av.FFmpegError, OSError, ValueError) as error:
        raise InputError(
            f"{path}: cannot be opened as a video", got=str(error), fix="check the file, or write it again with ffmpeg"
        ) from error


def read_packets(path: Path) -> tuple[int, Packets]:
    """Index of the stream that is the film, and its packets.

    Cover art, thumbnails and still pictures are no film, whichever stream they are: they are marked so, or hold one
    picture. Of several films it is the default one, then the largest.
    """
    with opened(path) as container:
        streams = [each for each in container.streams.video if each.codec_context is not None]
        films = [each for each in streams if not each.disposition & NO_FILM]
        if not films:
            got = "cover art alone" if streams else "none"
            raise InputError(f"{path}: no video in this file", expected="a video stream", got=got)
        pts: dict[int, list[int | None]] = {each.index: [] for each in films}
        for packet in PacketReader(container, films):
            if _shows(packet):
                pts[packet.stream_index].append(packet.pts)
        film = max(films, key=lambda each: _rank(each, len(pts[each.index])))
        times = [at for at in pts[film.index] if at is not None]
        known = times if len(times) == len(pts[film.index]) else []
        stated = sum(not entry.is_discard for entry in film.index_entries)
        stated = max(stated, len(times) + _cut_off(film, known))
        return film.index, Packets(np.array(known, dtype=np.int64), len(pts[film.index]), stated)


class PacketReader:
    """The packets of streams; goes on after a place that cannot be read, and names it in `faults`."""

    def __init__(self, container: av.container.InputContainer, streams: list[av.VideoStream]) -> None:
        self._container, self._streams = container, streams
        self.faults: list[str] = []

    def __iter__(self) -> Iterator[av.Packet]:
        while len(self.faults) < MOST_READING_FAULTS:
            try:
                yield from self._container.demux(*self._streams)
            except (av.EOFError, StopIteration):
                return
            except (av.FFmpegError, OSError) as error:
                self.faults.append(error.strerror or str(error))
                continue
            return


def _cut_off(film: av.VideoStream, pts: list[int]) -> int:
    """About how many frames are missing at the end of a Matroska film, which states its duration but no number."""
    hours, _, rest = film.metadata.get("DURATION", "").partition(":")
    minutes, _, secs = rest.partition(":")
    if not pts or not secs or film.time_base is None or not film.average_rate:
        return 0
    try:
        ends_s = 3600 * int(hours) + 60 * int(minutes) + float(secs)
    except ValueError:  # a tag of somebody else's
        return 0
    missing = (ends_s - float(max(pts) * film.time_base)) * float(film.average_rate) - 1
    return round(missing) if missing > LEAST_CUT_OFF_FRAMES else 0


def _rank(stream: av.VideoStream, packets: int) -> tuple[bool, bool, int, int]:
    is_default = bool(stream.disposition & Disposition.default)
    return packets > 1, is_default, stream.width * stream.height, -stream.index


def _shows(packet: av.Packet) -> bool:
    """Whether the packet holds a frame to show: not cut away by an edit list, nor a hidden reference of VP8."""
    if not packet.size or packet.is_discard:
        return False
    if packet.stream.codec_context.name == "vp8":
        return bool(bytes(packet)[0] & 0x10)  # RFC 6386, 9.1: show_frame
    return True
