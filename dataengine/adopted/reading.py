"""A network's tensors to joints in input pixels, in the network's own order: `read` for every kind of answer."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dataengine.adopted.contract import AnswerForm, Grid
from dataengine.adopted.lists import detection_table, pose_table, scores_of
from dataengine.adopted.maps import read_axis, read_heatmaps


@dataclass(frozen=True, eq=False)
class FoundPoses:
    """What a network says of b inputs: d poses of k joints in each; d is 1 unless it finds people itself."""

    keypoints_px: NDArray[np.float64]  # (b, d, k, 2) input pixels
    confidence: NDArray[np.float64]  # (b, d, k) 0..1
    score: NDArray[np.float64]  # (b, d) of the detection, 0..1; 1 where it detects nobody


def read(tensors: Mapping[str, NDArray[Any]], answers: AnswerForm, width_px: int, height_px: int) -> FoundPoses:
    """The poses in the tensors for inputs of that size.

    Raises:
        KeyError, ValueError: the tensors are not those that `answers` speaks of.
    """
    size = (width_px, height_px)
    if answers.kind == "detections":
        numbers, sure, score = detection_table(tensors, answers)
        return FoundPoses(_placed(numbers, answers, size), sure, score)
    if answers.kind == "points":
        numbers, sure = pose_table(tensors, answers)
        places = _placed(numbers, answers, size)
    elif answers.kind == "heatmap":
        maps = tensors[answers.places]
        maps = maps if answers.layout == "channels first" else maps.transpose(0, 3, 1, 2)
        found, peak = read_heatmaps(maps, answers.decode)
        places, sure = _on_grid(found, answers.grid, size, maps.shape[:1:-1]), scores_of(peak, answers)
    else:
        axes = [tensors[answers.places], tensors[answers.other]]
        splits = [axis.shape[-1] / side for axis, side in zip(axes, size, strict=True)]
        read_axes = [read_axis(axis, answers.decode, split) for axis, split in zip(axes, splits, strict=True)]
        found = np.stack([place for place, _ in read_axes], axis=-1)
        places = _on_grid(found, answers.grid, size, tuple(axis.shape[-1] for axis in axes))
        # masses of two distributions multiply, as in `nets.simcc`; of two heights public code takes the lower
        both = np.multiply if answers.decode == "mean" else np.minimum
        sure = scores_of(both(read_axes[0][1], read_axes[1][1]), answers)
    return FoundPoses(places[:, None], sure[:, None], np.ones((len(places), 1)))


def _placed(numbers: NDArray[np.float64], answers: AnswerForm, size: tuple[int, int]) -> NDArray[np.float64]:
    """Coordinates (..., 2) in input pixels."""
    numbers = np.where(np.isfinite(numbers), numbers, 0.0)
    if answers.axes == "yx":
        numbers = numbers[..., ::-1]
    return _on_grid(numbers, answers.grid, size, size if answers.units == "pixels" else (1, 1))


def _on_grid(
    numbers: NDArray[np.float64], grid: Grid, size: tuple[int, int], cells: tuple[int, ...]
) -> NDArray[np.float64]:
    """Input pixels of numbers (..., 2) that count `cells` (x, y) on an input of `size`; see `AnswerForm.grid`."""
    s, n = np.array(size, dtype=np.float64), np.array(cells, dtype=np.float64)
    if grid == "align corners":
        return numbers * (s - 1) / np.where(n > 1, n - 1, 1.0)
    if grid == "half pixel":
        return (numbers + 0.5) * s / n - 0.5
    return numbers * s / n - (0.5 if grid == "corner" else 0.0)
