"""Perceptual hashes of many pictures at once: the DCT hash of Zauner (2010), bit for bit as ImageHash computes it.

C. Zauner, "Implementation and Benchmarking of Perceptual Image Hash Functions", Hagenberg 2010, section 3.2: the 8x8
lowest frequencies of a 32x32 grey thumbnail, each compared with their median. Re-encoding, scaling and slight changes
of brightness leave nearly all of the 64 bits as they were.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

THUMBNAIL_PX = 32
FREQUENCIES = 8
BITS = FREQUENCIES**2
_AT_ONCE = 4096  # thumbnails transformed together: 32 MiB of float64
_ONES = np.array([bin(value).count("1") for value in range(1 << 16)], dtype=np.uint8)


def perceptual_hashes(thumbnails: NDArray[np.uint8]) -> NDArray[np.uint64]:
    """Hashes (n,) of grey thumbnails (n, 32, 32); the first bit of the 8x8 block is the highest."""
    from scipy.fft import dct

    hashes = np.empty(len(thumbnails), dtype=np.uint64)
    for start in range(0, len(thumbnails), _AT_ONCE):
        block = thumbnails[start : start + _AT_ONCE].astype(np.float64)
        low = dct(dct(block, axis=1)[:, :FREQUENCIES], axis=2)[:, :, :FREQUENCIES].reshape(-1, BITS)
        bits = low > np.median(low, axis=1, keepdims=True)
        hashes[start : start + _AT_ONCE] = np.packbits(bits, axis=1).view(">u8").ravel()
    return hashes


def hamming(a: NDArray[np.uint64], b: NDArray[np.uint64]) -> NDArray[np.int64]:
    """Number of differing bits, element by element."""
    words = np.ascontiguousarray(a ^ b)[..., None].view(np.uint16)
    return np.asarray(_ONES[words].sum(axis=-1, dtype=np.int64))


def correlations(thumbnails: NDArray[np.uint8], first: NDArray[Any], second: NDArray[Any]) -> NDArray[np.float64]:
    """Pearson correlation (k,) of the thumbnails in rows `first` with those in rows `second`.

    Two flat thumbnails correlate by 1 if they are equally bright within one grey level, else by 0.
    """
    result = np.empty(len(first))
    for start in range(0, len(first), _AT_ONCE):
        pair = slice(start, start + _AT_ONCE)
        a, b = (thumbnails[rows[pair]].reshape(-1, THUMBNAIL_PX**2).astype(np.float64) for rows in (first, second))
        equal = np.abs(a - b).max(axis=1, initial=0) <= 1
        a, b = a - a.mean(axis=1, keepdims=True), b - b.mean(axis=1, keepdims=True)
        spread = np.sqrt((a * a).sum(axis=1) * (b * b).sum(axis=1))
        result[pair] = np.where(equal, 1.0, (a * b).sum(axis=1) / np.where(spread > 0, spread, 1.0))
    return result
