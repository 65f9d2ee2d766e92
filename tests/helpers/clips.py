"""Videos written for the tests."""

from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
from numpy.typing import NDArray

# The display matrix (a, b, c, d) of ISO 14496-12 `tkhd`: x' = a x + c y, y' = b x + d y, in 16.16 fixed point.
QUARTERS = {1: (0, 1, -1, 0), 2: (-1, 0, 0, -1), 3: (0, -1, 1, 0)}


def matrix_bytes(a: float, b: float, c: float, d: float) -> bytes:
    """The nine entries as they stand in the file."""
    entries = [round(65536 * each) for each in (a, b, 0, c, d, 0, 0, 0)] + [1 << 30]
    return b"".join(each.to_bytes(4, "big", signed=True) for each in entries)


def write_clip(
    path: Path,
    images: Sequence[NDArray[np.uint8]],
    *,
    ticks: Sequence[int] | None = None,
    codec: str = "mpeg4",
    **options: str,
) -> Path:
    """A video of BGR images at 10 frames a second, or shown at `ticks`, in hundredths of a second."""
    height, width = images[0].shape[:2]
    with av.open(str(path), "w", options=options) as container:
        stream = container.add_stream(codec, rate=10)
        assert isinstance(stream, av.VideoStream)
        stream.width, stream.height, stream.pix_fmt, stream.bit_rate = width, height, "yuv420p", 4_000_000
        stream.codec_context.time_base = Fraction(1, 100)
        for number, image in enumerate(images):
            frame = av.VideoFrame.from_ndarray(image, format="bgr24")
            frame.pts, frame.time_base = (ticks[number] if ticks else 10 * number), Fraction(1, 100)
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    return path


def turned(clip: Path, quarter_turns_clockwise: int) -> Path:
    """A copy whose container says that it is to be shown turned."""
    return shown_by(clip, *QUARTERS[quarter_turns_clockwise])


def shown_by(clip: Path, a: float, b: float, c: float, d: float) -> Path:
    """A copy of an MP4 or MOV with this display matrix."""
    written, plain = clip.read_bytes(), matrix_bytes(1, 0, 0, 1)
    matrix = written.index(plain, written.index(b"tkhd"))
    copy = clip.with_stem(f"{clip.stem}_{a:g}_{b:g}_{c:g}_{d:g}")
    copy.write_bytes(written[:matrix] + matrix_bytes(a, b, c, d) + written[matrix + len(plain) :])
    return copy


def damaged(clip: Path, packets: Sequence[int]) -> Path:
    """A copy in which the packets of these numbers, in the order of the file, hold nothing but noise."""
    content, copy = bytearray(clip.read_bytes()), clip.with_stem(f"{clip.stem}_damaged")
    with av.open(str(clip)) as container:
        places = [(packet.pos, packet.size) for packet in container.demux(video=0) if packet.size]
    for number in packets:
        start, size = places[number]
        content[start or 0 : (start or 0) + size] = np.random.default_rng(number).bytes(size)
    copy.write_bytes(content)
    return copy


def copied_with(source: Path, target: Path, cover: NDArray[np.uint8], *, cover_first: bool) -> Path:
    """The packets of `source` in another container, with a stream of one picture before or after them."""
    with av.open(str(source)) as read, av.open(str(target), "w") as written:
        template = read.streams.video[0]
        if not cover_first:
            film = written.add_stream_from_template(template)
        art = written.add_stream("mjpeg", rate=1)
        art.width, art.height, art.pix_fmt = cover.shape[1], cover.shape[0], "yuvj420p"
        if cover_first:
            film = written.add_stream_from_template(template)
        written.mux(art.encode(av.VideoFrame.from_ndarray(cover, format="bgr24")))
        written.mux(art.encode(None))
        for packet in read.demux(template):
            if packet.size:
                packet.stream = film
                written.mux(packet)
    return target


def textured(seed: int, *, tint: Sequence[float] = (1, 1, 1), shape: tuple[int, int] = (96, 128)) -> NDArray[np.uint8]:
    """A smooth random scene with some detail."""
    import cv2

    rng = np.random.default_rng(seed)
    coarse = cv2.resize(rng.uniform(0, 255, (6, 8, 3)), shape[::-1], interpolation=cv2.INTER_CUBIC)
    fine = rng.normal(0, 18, (*shape, 3))
    return np.clip((coarse + fine) * np.asarray(tint), 0, 255).astype(np.uint8)
