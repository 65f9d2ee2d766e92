"""Where shots begin, from small pictures of the frames.

A cut is a jump in colours (histograms, which motion hardly changes) and in pixels (which a flash of light changes, but
for a frame or two only). `shot_starts` asks for both jumps to be large, and large compared with their neighbours in
time, so that fast motion and camera shake, which change many frames in a row, are not cuts. Dissolves over many frames
are not found.
"""

from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

HISTOGRAM_BINS = 8
# In a clip of 1,394 frames from a standing camera, without a cut, the largest colour jump is 0.12 and the largest
# pixel jump 0.045; cuts between distant moments of that very clip give 0.20 to 0.47 and 0.056 to 0.12.
COLOR_JUMP = 0.15  # half the L1 distance of the histograms: 0 same, 1 disjoint
PIXEL_JUMP = 0.05  # mean absolute difference, of the grey range 0..1
OVER_NEIGHBOURS = 2.5
NEIGHBOUR_FRAMES = 6
SHORTEST_SHOT_FRAMES = 3  # a flash goes up and down again within these


def shot_starts(thumbnails: NDArray[np.uint8]) -> NDArray[np.int64]:
    """Indices of the first frame of each shot, from thumbnails (n, h, w, 3) in display order; 0 is always one."""
    count = len(thumbnails)
    if count < 2:
        return np.zeros(min(count, 1), dtype=np.int64)
    color, pixel = color_jumps(thumbnails), pixel_jumps(thumbnails)
    starts = [0]
    for place in np.flatnonzero((color > COLOR_JUMP) & (pixel > PIXEL_JUMP)):
        follows_soon = 0 < starts[-1] > place + 1 - SHORTEST_SHOT_FRAMES
        if not follows_soon and _stands_out(pixel, int(place)) and not _comes_back(thumbnails, int(place)):
            starts.append(int(place) + 1)
    return np.array(starts, dtype=np.int64)


def color_jumps(thumbnails: NDArray[np.uint8]) -> NDArray[np.float64]:
    """Half the L1 distance of the joint colour histograms of neighbouring frames (n - 1,), 0..1."""
    return np.array([float(np.abs(a - b).sum() / 2) for a, b in pairwise(_histogram(frame) for frame in thumbnails)])


def _histogram(thumbnail: NDArray[np.uint8]) -> NDArray[np.float64]:
    bins = (thumbnail // (256 // HISTOGRAM_BINS)).astype(np.int64).reshape(-1, 3)
    code = (bins[:, 0] * HISTOGRAM_BINS + bins[:, 1]) * HISTOGRAM_BINS + bins[:, 2]
    return np.bincount(code, minlength=HISTOGRAM_BINS**3) / len(code)


def pixel_jumps(thumbnails: NDArray[np.uint8]) -> NDArray[np.float64]:
    """Mean absolute difference of neighbouring frames (n - 1,), of the grey range 0..1."""
    return np.array([difference(a, b) for a, b in pairwise(thumbnails)])


def difference(first: NDArray[np.uint8], second: NDArray[np.uint8]) -> float:
    """Mean absolute difference of two thumbnails (h, w, 3), of the grey range 0..1."""
    return float(np.abs(first.astype(np.int16) - second).mean() / 255)


def _stands_out(jumps: NDArray[np.float64], place: int) -> bool:
    """Whether a jump is well above the median of those around it."""
    low, high = max(0, place - NEIGHBOUR_FRAMES), place + NEIGHBOUR_FRAMES + 1
    around = np.concatenate([jumps[low:place], jumps[place + 1 : high]])
    return not len(around) or bool(jumps[place] > OVER_NEIGHBOURS * np.median(around))


def _comes_back(thumbnails: NDArray[np.uint8], place: int) -> bool:
    """Whether the picture before the jump is there again in the next frames or was there just before: a flash."""
    before, after = thumbnails[place], thumbnails[place + 1]
    jump = difference(before, after)
    later = thumbnails[place + 2 : place + 1 + SHORTEST_SHOT_FRAMES]
    earlier = thumbnails[max(0, place - SHORTEST_SHOT_FRAMES + 1) : place]
    returns = [difference(before, frame) for frame in later] + [difference(after, frame) for frame in earlier]
    return bool(returns) and min(returns) < jump / 2
