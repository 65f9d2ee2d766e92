"""Compiled loops of OKS and of the matching. They follow pycocotools to the last bit, so that ties fall alike.

Nothing here is compiled before it is first called; the machine code is then cached next to the byte code. The loops
release the interpreter lock, so a caller may run them in threads.

Layout: truths and detections stand image by image, detections of an image in falling score. Image i holds truths
`truth_start[i]:truth_start[i+1]` and detections `found_start[i]:found_start[i+1]`; its table of pairs starts at
`pair_start[i]` and runs over the truths of its first detection, then over those of its second.
"""

from typing import Any

import numpy as np
from numba import njit
from numpy.typing import NDArray

from dataengine.evaluation.ap.oks_formula import exponent

ALMOST_ONE = 1 - 1e-10  # pycocotools: an OKS of 1 matches at every threshold


@njit(cache=True, nogil=True)
def exponents(
    truth_px: NDArray[np.float64],  # (n, j, 2)
    labelled: NDArray[np.bool_],  # (n, j)
    box_xywh_px: NDArray[np.float64],  # (n, 4)
    area: NDArray[np.float64],  # (n,)
    found_px: NDArray[np.float64],  # (d, j, 2)
    variances: NDArray[np.float64],  # (j,) square of 2 sigma
    truth_start: NDArray[np.int64],
    found_start: NDArray[np.int64],
    first: int,
    last: int,
    out: NDArray[np.float64],  # (pairs, j)
) -> None:
    """Minus the exponent of each joint's similarity, for the pairs of images `first` to `last`.

    A row holds the labelled joints first and nothing after them. A truth without one is a region: a joint is at no
    distance inside its box grown to three times its size, which is how COCO ignores who stands in it.
    """
    joints = truth_px.shape[1]
    pair = 0
    for image in range(first, last):
        for found in range(found_start[image], found_start[image + 1]):
            for truth in range(truth_start[image], truth_start[image + 1]):
                x, y, width, height = box_xywh_px[truth]
                is_region = not labelled[truth].any()
                column = 0
                for joint in range(joints):
                    at_x, at_y = found_px[found, joint, 0], found_px[found, joint, 1]
                    if is_region:
                        dx = max(0.0, (x - width) - at_x) + max(0.0, at_x - (x + width * 2))
                        dy = max(0.0, (y - height) - at_y) + max(0.0, at_y - (y + height * 2))
                    elif labelled[truth, joint]:
                        dx = at_x - truth_px[truth, joint, 0]
                        dy = at_y - truth_px[truth, joint, 1]
                    else:
                        continue
                    out[pair, column] = -exponent(dx * dx + dy * dy, variances[joint], area[truth])
                    column += 1
                pair += 1


@njit(cache=True, nogil=True)
def mean_similarity(
    similarity: NDArray[np.float64],  # (pairs, j)
    labelled_joints: NDArray[np.int64],  # (n,)
    truth_start: NDArray[np.int64],
    found_start: NDArray[np.int64],
    first: int,
    last: int,
    out: NDArray[np.float64],  # (pairs,)
) -> None:
    """OKS of the pairs of images `first` to `last` from the similarity of each joint, see `exponents`."""
    pair = 0
    for image in range(first, last):
        for _ in range(found_start[image], found_start[image + 1]):
            for truth in range(truth_start[image], truth_start[image + 1]):
                count = labelled_joints[truth]
                if count == 0:
                    count = similarity.shape[1]
                out[pair] = numpy_sum(similarity[pair], count) / count
                pair += 1


@njit(cache=True, nogil=True)
def numpy_sum(values: NDArray[np.float64], count: int) -> float:
    """Sum of the first `count` (up to 128) values in the order of `np.sum`: eight partial sums, then the rest."""
    if count < 8:
        total = 0.0
        for index in range(count):
            total += values[index]
        return total
    part = np.empty(8)
    for lane in range(8):
        part[lane] = values[lane]
    whole = count - count % 8
    for start in range(8, whole, 8):
        for lane in range(8):
            part[lane] += values[start + lane]
    total = ((part[0] + part[1]) + (part[2] + part[3])) + ((part[4] + part[5]) + (part[6] + part[7]))
    for index in range(whole, count):
        total += values[index]
    return total


@njit(cache=True, nogil=True)
def match(
    oks: NDArray[np.float64],  # (pairs,) of all images
    truth_start: NDArray[np.int64],
    found_start: NDArray[np.int64],
    pair_start: NDArray[np.int64],
    ignored: NDArray[np.bool_],  # (n,) truths that no one has to find
    crowd: NDArray[np.bool_],  # (n,) truths that may be found more than once
    thresholds: NDArray[np.float64],  # (t,)
    person: NDArray[np.int32],  # (t, d) out: row of the truth, -1 for none
) -> None:
    """`COCOeval.evaluateImg`: each detection, best score first, takes the best truth that is left.

    Truths that count come first, in their order, then the ignored ones, which are only taken when none that counts
    fits. Of equal truths the last is taken.
    """
    most = 0
    for image in range(len(truth_start) - 1):
        most = max(most, truth_start[image + 1] - truth_start[image])
    order, taken = np.empty(most, np.int64), np.empty(most, np.bool_)
    for image in range(len(truth_start) - 1):
        begin, truths = truth_start[image], truth_start[image + 1] - truth_start[image]
        position = 0
        for group in (False, True):
            for truth in range(truths):
                if ignored[begin + truth] == group:
                    order[position] = truth
                    position += 1
        for level in range(len(thresholds)):
            taken[:truths] = False
            for found in range(found_start[image], found_start[image + 1]):
                row = pair_start[image] + (found - found_start[image]) * truths
                best, chosen = min(thresholds[level], ALMOST_ONE), -1
                for place in range(truths):
                    truth = order[place]
                    if taken[truth] and not crowd[begin + truth]:
                        continue
                    if chosen > -1 and not ignored[begin + chosen] and ignored[begin + truth]:
                        break
                    if oks[row + truth] < best:
                        continue
                    best, chosen = oks[row + truth], truth
                person[level, found] = -1 if chosen < 0 else begin + chosen
                if chosen >= 0:
                    taken[chosen] = True


@njit(cache=True, nogil=True)
def extents(points_px: NDArray[np.float64]) -> NDArray[np.float64]:
    """Area (d,) that the joints (d, j, 2) of each pose span, px^2."""
    area = np.empty(len(points_px))
    for row in range(len(points_px)):
        x, y = points_px[row, :, 0], points_px[row, :, 1]
        area[row] = (x.max() - x.min()) * (y.max() - y.min())
    return area


def starts(rows: NDArray[np.int64], count: int) -> NDArray[np.int64]:
    """Where each of `count` groups begins (count + 1,) in the sorted group numbers `rows`."""
    bounds: NDArray[Any] = np.searchsorted(rows, np.arange(count + 1))
    return bounds.astype(np.int64)
