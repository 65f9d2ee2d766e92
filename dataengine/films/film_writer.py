"""Frames to a film: H.264, or VP9 where nothing encodes that, as browsers play it."""

from fractions import Fraction
from pathlib import Path
from types import TracebackType
from typing import Self

import av
import cv2
import numpy as np

from dataengine.draw import BgrImage
from dataengine.errors import EnvironmentFault

ENCODERS = (("libx264", ".mp4"), ("libopenh264", ".mp4"), ("libvpx-vp9", ".webm"))
OPTIONS = {  # a film to look at: a third of the encoder's usual time for a tenth more bytes
    "libx264": {"preset": "veryfast"},
    "libvpx-vp9": {"deadline": "realtime", "cpu-used": "6"},
}
LONGEST_SIDE_PX = 1280
TICKS = 90_000  # a second: MPEG's clock, which holds uneven frame times
LONGEST_STILL_S = 3600  # an image is shown: the length of one has 31 bits in MP4, 6.6 hours


def available_encoder() -> tuple[str, str]:
    """The first of `ENCODERS` that PyAV has, and its file's suffix. EnvironmentFault where it has none."""
    for encoder, suffix in ENCODERS:
        if encoder in av.codecs_available:
            return encoder, suffix
    expected = ", ".join(name for name, _ in ENCODERS)
    raise EnvironmentFault("no film can be written", expected=f"PyAV with one of {expected}", fix="take no overlay")


class FilmWriter:
    """A film that is being written, for a ``with`` block; it is whole once that has ended without an error."""

    def __init__(self, path: Path, encoder: str) -> None:
        """`path` has the suffix, and `encoder` the name, that `available_encoder` gives."""
        self._container = av.open(str(path), "w")
        stream = self._container.add_stream(encoder, rate=30, options=OPTIONS.get(encoder, {}))
        assert isinstance(stream, av.VideoStream)
        self._stream = stream
        self._stream.codec_context.time_base = Fraction(1, TICKS)
        self._stream.pix_fmt = "yuv420p"
        self._last, self._size_px = -1, (0, 0)
        self._cut = 0  # ticks of time that were left out so far

    def size_of(self, image: BgrImage) -> tuple[int, int]:
        """Width and height px at which an image is written: what the encoder takes, as large as the first image."""
        if self._last >= 0:
            return self._size_px
        scale = min(1.0, LONGEST_SIDE_PX / max(image.shape[:2]))
        height, width = (max(2, 2 * round(side * scale / 2)) for side in image.shape[:2])
        return width, height

    def write(self, image: BgrImage, time_s: float) -> None:
        """Write the image (h, w, 3), scaled to `size_of`, to be shown from `time_s` on, or right after the last one.

        Of more than `LONGEST_STILL_S` between two images the rest is left out.
        """
        size = self.size_of(image)
        if self._last < 0:
            self._size_px = self._stream.width, self._stream.height = size
        asked = round(time_s * TICKS) - self._cut
        self._cut += max(0, asked - self._last - LONGEST_STILL_S * TICKS)
        self._last = max(self._last + 1, round(time_s * TICKS) - self._cut)
        frame = av.VideoFrame.from_ndarray(scaled(image, size), format="bgr24")
        frame.pts, frame.time_base = self._last, Fraction(1, TICKS)
        self._container.mux(self._stream.encode(frame))

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            if self._last >= 0:
                self._container.mux(self._stream.encode(None))
        finally:
            self._container.close()


def scaled(image: BgrImage, size_px: tuple[int, int]) -> BgrImage:
    """The image in this width and height."""
    if image.shape[1::-1] == size_px:
        return image
    return np.asarray(cv2.resize(image, size_px, interpolation=cv2.INTER_AREA), dtype=np.uint8)
