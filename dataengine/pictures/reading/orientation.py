"""EXIF orientation: which way up a stored picture is to be shown.

A camera that is held on its side stores its rows as they come and notes the turn in tag 274 (CIPA DC-008, "Exif 2.32",
4.6.4). `orientation_of` reads it from an EXIF block, `turned` applies it, `swaps_sides` says what it does to the size.
"""

import struct

import cv2
import numpy as np
from numpy.typing import NDArray

UPRIGHT = 1
EXIF_MARK = b"Exif\0\0"
_TAG = 274
_BYTE_ORDERS = {b"II*\0": "<", b"MM\0*": ">"}
_INTEGERS = {1: "B", 3: "H", 4: "I"}  # TIFF's types of one, two and four bytes
_ENTRY_BYTES, _VALUE_AT = 12, 8


def orientation_of(exif: bytes) -> int:
    """Orientation 1 to 8 that an EXIF block states, with or without its mark; 1 where it states none that is valid."""
    tiff = exif.removeprefix(EXIF_MARK)
    order = _BYTE_ORDERS.get(tiff[:4])
    try:
        return _entry(tiff, order) if order else UPRIGHT
    except struct.error:  # the block ends early
        return UPRIGHT


def _entry(tiff: bytes, order: str) -> int:
    (directory,) = struct.unpack_from(f"{order}I", tiff, 4)
    (count,) = struct.unpack_from(f"{order}H", tiff, directory)
    for place in range(directory + 2, directory + 2 + count * _ENTRY_BYTES, _ENTRY_BYTES):
        tag, kind = struct.unpack_from(f"{order}HH", tiff, place)
        if tag == _TAG and kind in _INTEGERS:
            (value,) = struct.unpack_from(f"{order}{_INTEGERS[kind]}", tiff, place + _VALUE_AT)
            return int(value) if 1 <= value <= 8 else UPRIGHT
    return UPRIGHT


def swaps_sides(orientation: int) -> bool:
    """Whether the upright picture is as wide as the stored one is high."""
    return orientation >= 5


def turned(image: NDArray[np.uint8], orientation: int) -> NDArray[np.uint8]:
    """The stored image (H, W) or (H, W, 3) upright."""
    if orientation in (2, 4):
        image = np.asarray(cv2.flip(image, 1 if orientation == 2 else 0), dtype=np.uint8)
    if orientation in (5, 7):
        image = np.asarray(cv2.transpose(image), dtype=np.uint8)
    turns = {3: cv2.ROTATE_180, 6: cv2.ROTATE_90_CLOCKWISE, 7: cv2.ROTATE_180, 8: cv2.ROTATE_90_COUNTERCLOCKWISE}
    return np.asarray(cv2.rotate(image, turns[orientation]), dtype=np.uint8) if orientation in turns else image
