"""Which way up a film is shown: the display matrix of its container, as one of EXIF's eight orientations.

A player maps the point (x, y) of the stored picture to (a x + c y, b x + d y), where the matrix is
[[a, b, u], [c, d, v], [x, y, w]] (ISO/IEC 14496-12, 6.2.2; FFmpeg's `libavutil/display.h`). FFmpeg states a turn alone,
`frame.rotation`, which takes a mirror image for a half turn or for nothing.
"""

from typing import Any

import av
import numpy as np
from av.sidedata.sidedata import Type

from dataengine.errors import InputError
from dataengine.pictures.reading.orientation import UPRIGHT

LARGEST_SKEW = np.tan(np.radians(1.0))  # of the small entries against the large ones: a degree
# signs of (a, d) where x stays x, of (b, c) where x becomes y -> EXIF orientation
_STRAIGHT = {(1, 1): 1, (-1, 1): 2, (-1, -1): 3, (1, -1): 4}
_CROSSED = {(1, 1): 5, (1, -1): 6, (-1, -1): 7, (-1, 1): 8}


def orientation_of_frame(frame: av.VideoFrame) -> int:
    """EXIF orientation 1 to 8 of a decoded frame; other turns than by right angles are an `InputError`."""
    side_data: Any = frame.side_data  # typed as if it held its keys
    for data in side_data:
        if data.type == Type.DISPLAYMATRIX:
            a, b, _, c, d, *_ = np.frombuffer(data, dtype=np.int32).tolist()
            return orientation_of_matrix(a, b, c, d)
    return UPRIGHT


def orientation_of_matrix(a: int, b: int, c: int, d: int) -> int:
    """EXIF orientation of the matrix [[a, b], [c, d]], whose scale does not count.

    >>> [orientation_of_matrix(*m) for m in ((1, 0, 0, 1), (-1, 0, 0, 1), (0, 1, -1, 0), (0, 1, 1, 0))]
    [1, 2, 6, 5]
    """
    straight, crossed = min(abs(a), abs(d)), min(abs(b), abs(c))
    if straight and max(abs(b), abs(c)) <= LARGEST_SKEW * straight:
        return _STRAIGHT[_sign(a), _sign(d)]
    if crossed and max(abs(a), abs(d)) <= LARGEST_SKEW * crossed:
        return _CROSSED[_sign(b), _sign(c)]
    raise InputError("video turned by an odd angle", expected="a multiple of 90 degrees", got=f"{[[a, b], [c, d]]}")


def _sign(value: int) -> int:
    return 1 if value > 0 else -1
