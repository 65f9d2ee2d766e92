"""Frames turned and mirrored as players show them, by the display matrix of ISO 14496-12, 8.5.2 (`tkhd`).

The matrix takes a stored pixel (x, y), y pointing down, to x' = a x + c y and y' = b x + d y. Phones write quarter
turns, front cameras and screen recorders mirrors as well: eight in all, which a transposition and two flips make.
"""

import math
from typing import Any

import av
import numpy as np
from av.sidedata.sidedata import Type
from numpy.typing import NDArray

from dataengine.errors import InputError

TOLERANCE_DEG = 1.0


class Orientation:
    """The display matrix of the frames of one film; see `shown_as`.

    The matrix is read from the first frame, and again where a frame's size or angle differs from the one before.
    Reading it makes PyAV's frame part of a reference cycle, so that its pixels stay until Python's garbage collector
    looks at old objects: hundreds of frames, were each read (`findings/pyav_side_data_keeps_frames.sh`).
    """

    def __init__(self) -> None:
        self._seen: tuple[int, int, int] | None = None
        self._matrix: tuple[float, ...] | None = None

    def shown_as(self, frame: av.VideoFrame, image: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """`image`, the pixels of `frame` as stored, as the frame's display matrix says; without one, as it is.

        Raises:
            InputError: the matrix turns by no multiple of 90 degrees, or shears.
        """
        seen = frame.rotation, frame.width, frame.height
        if seen != self._seen:
            entries = _matrix(frame)
            self._seen = seen
            self._matrix = None if entries is None else tuple((entries[[0, 1, 3, 4]] / 65536).tolist())
        return image if self._matrix is None else placed(image, *self._matrix)


def placed(image: NDArray[np.uint8], a: float, b: float, c: float, d: float) -> NDArray[np.uint8]:
    """The image (h, w, ...) under the display matrix with these entries; one that shows nothing is passed over.

    Scales are left out of account: pixels stay pixels.
    """
    if abs(a * d - b * c) < 1e-9:
        return image
    transposed = abs(b) + abs(c) > abs(a) + abs(d)
    x, y, across, down = (c, b, a, d) if transposed else (a, d, b, c)
    if max(abs(across), abs(down)) > math.tan(math.radians(TOLERANCE_DEG)) * min(abs(x), abs(y)):
        turn = f"{math.degrees(math.atan2(b, a)):.1f} degrees"
        raise InputError(
            "video turned by an odd angle", expected="a multiple of 90 degrees, perhaps mirrored", got=turn
        )
    out = image.swapaxes(0, 1) if transposed else image
    return np.ascontiguousarray(out[:: -1 if y < 0 else 1, :: -1 if x < 0 else 1])


def _matrix(frame: av.VideoFrame) -> NDArray[np.int32] | None:
    """The nine entries as FFmpeg hands them over."""
    data: Any = frame.side_data.get(Type.DISPLAYMATRIX)  # type: ignore[call-overload]  # the stubs say str
    return None if data is None else np.frombuffer(data, dtype=np.int32)
