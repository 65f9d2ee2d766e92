"""Compiled loops of average precision under weights: one pass over the true detections of each threshold.

Precision only rises, and recall only moves, at a true detection. So a weighting costs one running sum over all
detections and one walk over the true ones, not a sort and not a table of detections by thresholds. A resample of a
bootstrap is such a weighting. The loops let go of the interpreter lock.
"""

from typing import Any

import numpy as np
from numba import njit
from numpy.typing import NDArray

EPS = float(np.spacing(1))
Rows = NDArray[np.uint32]  # unsigned: a signed index costs a test for counting from the end


@njit(cache=True, nogil=True)
def needed_weight(recall_points: NDArray[np.float64], persons: float, out: NDArray[np.float64]) -> None:
    """The smallest weight of true detections whose float quotient by `persons` reaches each recall point.

    COCO compares the rounded quotient; the product alone would miss a point by its last bit.
    """
    for point in range(len(recall_points)):
        recall = recall_points[point]
        weight = recall * persons
        while weight / persons >= recall and weight > 0:
            weight = np.nextafter(weight, -1.0)
        while weight / persons < recall:
            weight = np.nextafter(weight, np.inf)
        out[point] = weight


@njit(cache=True, nogil=True)
def needed_count(recall_points: NDArray[np.float64], persons: int, out: NDArray[np.float64]) -> None:
    """`needed_weight` where all weights are whole, which is quicker."""
    for point in range(len(recall_points)):
        recall = recall_points[point]
        count = np.floor(recall * persons)
        while count / persons < recall:
            count += 1
        while count > 0 and (count - 1) / persons >= recall:
            count -= 1
        out[point] = count


@njit(cache=True, nogil=True)
def envelope(
    weight: NDArray[Any],
    group: Rows,
    true_at: Rows,
    true_group: Rows,
    true_start: Rows,
    ignored_at: Rows,
    ignored_start: Rows,
    needed: NDArray[np.float64],
    counted: NDArray[Any],
    out: NDArray[np.float64],
) -> None:
    """Precision (t, r) at each recall point, into `out`.

    weight (g,) of each group; group (d,) of each detection in falling score; true_at, true_group: positions and groups
    of the true detections, those of threshold t at `true_start[t]:true_start[t+1]`; ignored_at, ignored_start: likewise
    of the ignored ones; needed (r,) from `needed_weight`; counted (d,) is scratch of the type of `weight`.
    """
    total = weight[0] - weight[0]  # zero of the type of `weight`, and so is every sum of it
    for position in range(len(group)):
        total += weight[group[position]]
        counted[position] = total
    points = len(needed)
    for level in range(len(true_start) - 1):
        true = weight[0] - weight[0]
        left_out = true
        reached, best = 0, 0.0
        skip, end = ignored_start[level], ignored_start[level + 1]
        out[level, :] = 0.0
        for event in range(true_start[level], true_start[level + 1]):
            position = true_at[event]
            while skip < end and ignored_at[skip] < position:
                left_out += weight[group[ignored_at[skip]]]
                skip += 1
            # A detection without weight is let through: the branch would cost more, and precision does not rise there.
            true += weight[true_group[event]]
            if reached < points and needed[reached] <= true:
                if reached > 0:
                    out[level, reached - 1] = best
                best = 0.0
                while reached < points and needed[reached] <= true:
                    reached += 1
            best = max(best, true / (counted[position] - left_out + EPS))
        if reached > 0:
            out[level, reached - 1] = best
        for point in range(points - 2, -1, -1):  # precision is the best at this recall or any later one
            out[level, point] = max(out[level, point], out[level, point + 1])


@njit(cache=True, nogil=True)
def resampled_ap(
    weights: NDArray[np.int32],
    persons: NDArray[np.int64],
    group: Rows,
    true_at: Rows,
    true_group: Rows,
    true_start: Rows,
    ignored_at: Rows,
    ignored_start: Rows,
    recall_points: NDArray[np.float64],
    out: NDArray[np.float64],
) -> None:
    """AP of each weighting by whole numbers (rows of `weights`, (s, g)) into `out` (s,); NaN where nobody has weight.

    persons (g,): people that count in each group.
    """
    levels, points = len(true_start) - 1, len(recall_points)
    counted = np.empty(len(group), weights.dtype)
    needed, precision = np.empty(points), np.empty((levels, points))
    for draw in range(len(weights)):
        weight = weights[draw]
        people = 0
        for index in range(len(persons)):
            people += weight[index] * persons[index]
        if people == 0:
            out[draw] = np.nan
            continue
        needed_count(recall_points, people, needed)
        envelope(weight, group, true_at, true_group, true_start, ignored_at, ignored_start, needed, counted, precision)
        out[draw] = precision.mean()


@njit(cache=True, nogil=True)
def count_draws(drawn: NDArray[np.int64], out: NDArray[np.int32]) -> None:
    """How often each group (s, g) stands in each row of `drawn` (s, k), into `out`."""
    out[:] = 0
    for row in range(len(drawn)):
        for column in range(drawn.shape[1]):
            out[row, drawn[row, column]] += 1
