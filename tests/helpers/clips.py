"""Videos written for the tests."""

from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
from numpy.typing import NDArray

# The display matrix of ISO 14496-12 `tkhd` in 16.16 and 2.30 fixed point: unturned, and the three quarter turns.
_ONE, _MINUS = 0x10000, 0xFFFF0000
UNTURNED = b"".join(v.to_bytes(4, "big") for v in (_ONE, 0, 0, 0, _ONE, 0, 0, 0, 0x40000000))
TURNS = {
    1: b"".join(v.to_bytes(4, "big") for v in (0, _ONE, 0, _MINUS, 0, 0, 0, 0, 0x40000000)),
    2: b"".join(v.to_bytes(4, "big") for v in (_MINUS, 0, 0, 0, _MINUS, 0, 0, 0, 0x40000000)),
    3: b"".join(v.to_bytes(4, "big") for v in (0, _MINUS, 0, _ONE, 0, 0, 0, 0, 0x40000000)),
}


def write_clip(
    path: Path,
    images: Sequence[NDArray[np.uint8]],
    *,
    ticks: Sequence[int] | None = None,
    codec: str = "mpeg4",
    cover: NDArray[np.uint8] | None = None,
    **options: str,
) -> Path:
    """A video of BGR images at 10 frames a second, or shown at `ticks`, in hundredths of a second.

    `cover` is a picture that stands before it as a stream of its own.
    """
    height, width = images[0].shape[:2]
    with av.open(str(path), "w", options=options) as container:
        picture = None if cover is None else _stream(container, "mjpeg", 1)
        if picture is not None and cover is not None:
            picture.height, picture.width = cover.shape[:2]
            picture.pix_fmt = "yuvj420p"
        stream = _stream(container, codec, 10)
        stream.width, stream.height, stream.pix_fmt, stream.bit_rate = width, height, "yuv420p", 4_000_000
        stream.codec_context.time_base = Fraction(1, 100)
        if picture is not None and cover is not None:
            container.mux(picture.encode(av.VideoFrame.from_ndarray(cover, format="bgr24")))
            container.mux(picture.encode(None))
        for number, image in enumerate(images):
            frame = av.VideoFrame.from_ndarray(image, format="bgr24")
            frame.pts, frame.time_base = (ticks[number] if ticks else 10 * number), Fraction(1, 100)
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    return path


def _stream(container: av.container.OutputContainer, codec: str, rate: int) -> av.VideoStream:
    stream = container.add_stream(codec, rate=rate)
    assert isinstance(stream, av.VideoStream)
    return stream


def turned(clip: Path, quarter_turns_clockwise: int) -> Path:
    """A copy whose container says that it is to be shown turned."""
    return _with_matrix(clip, TURNS[quarter_turns_clockwise], f"turned{quarter_turns_clockwise}")


def shown_by(clip: Path, a: int, b: int, c: int, d: int) -> Path:
    """A copy whose container shows (x, y) at (a x + c y, b x + d y)."""
    values = (a * _ONE, b * _ONE, 0, c * _ONE, d * _ONE, 0, 0, 0, 0x40000000)
    return _with_matrix(clip, b"".join(v.to_bytes(4, "big", signed=True) for v in values), f"shown{a}{b}{c}{d}")


def _with_matrix(clip: Path, matrix: bytes, stem: str) -> Path:
    written = clip.read_bytes()
    place = written.index(UNTURNED, written.index(b"tkhd"))
    copy = clip.with_name(f"{stem}.mp4")
    copy.write_bytes(written[:place] + matrix + written[place + len(UNTURNED) :])
    return copy


def damaged(clip: Path, *, packets: Sequence[int]) -> Path:
    """A copy in which the bytes of some of the film's packets, counted from 0, are all 255."""
    with av.open(str(clip)) as container:
        places = [(packet.pos, packet.size) for packet in container.demux(container.streams.video[0]) if packet.size]
    written = bytearray(clip.read_bytes())
    for number in packets:
        place, size = places[number]
        assert place is not None
        written[place : place + size] = b"\xff" * size
    copy = clip.with_name(f"damaged{clip.suffix}")
    copy.write_bytes(written)
    return copy


def trimmed(clip: Path, *, start: int, frames: int) -> Path:
    """A copy of a film of 10 frames a second whose edit list shows `frames` frames from number `start` on."""
    written = bytearray(clip.read_bytes())
    entry = written.index(b"elst") + 12  # after type, version and flags, and the number of entries
    time_scale = int.from_bytes(written[(at := written.index(b"mvhd") + 16) : at + 4], "big")
    media_scale = int.from_bytes(written[(at := written.index(b"mdhd") + 16) : at + 4], "big")
    offset = int.from_bytes(written[entry + 4 : entry + 8], "big")
    written[entry : entry + 4] = round(frames / 10 * time_scale).to_bytes(4, "big")
    written[entry + 4 : entry + 8] = (offset + round(start / 10 * media_scale)).to_bytes(4, "big")
    copy = clip.with_name(f"trimmed{start}.mp4")
    copy.write_bytes(written)
    return copy


def textured(seed: int, *, tint: Sequence[float] = (1, 1, 1), shape: tuple[int, int] = (96, 128)) -> NDArray[np.uint8]:
    """A smooth random scene with some detail."""
    import cv2

    rng = np.random.default_rng(seed)
    coarse = cv2.resize(rng.uniform(0, 255, (6, 8, 3)), shape[::-1], interpolation=cv2.INTER_CUBIC)
    fine = rng.normal(0, 18, (*shape, 3))
    return np.clip((coarse + fine) * np.asarray(tint), 0, 255).astype(np.uint8)
