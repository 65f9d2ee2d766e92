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
    path: Path, images: Sequence[NDArray[np.uint8]], *, ticks: Sequence[int] | None = None, **options: str
) -> Path:
    """A video of BGR images at 10 frames a second, or shown at `ticks`, in hundredths of a second."""
    height, width = images[0].shape[:2]
    with av.open(str(path), "w", options=options) as container:
        stream = container.add_stream("mpeg4", rate=10)
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
    written = clip.read_bytes()
    matrix = written.index(UNTURNED, written.index(b"tkhd"))
    copy = clip.with_name(f"turned{quarter_turns_clockwise}.mp4")
    copy.write_bytes(written[:matrix] + TURNS[quarter_turns_clockwise] + written[matrix + len(UNTURNED) :])
    return copy


def textured(seed: int, *, tint: Sequence[float] = (1, 1, 1), shape: tuple[int, int] = (96, 128)) -> NDArray[np.uint8]:
    """A smooth random scene with some detail."""
    import cv2

    rng = np.random.default_rng(seed)
    coarse = cv2.resize(rng.uniform(0, 255, (6, 8, 3)), shape[::-1], interpolation=cv2.INTER_CUBIC)
    fine = rng.normal(0, 18, (*shape, 3))
    return np.clip((coarse + fine) * np.asarray(tint), 0, 255).astype(np.uint8)
