"""Paired bootstrap intervals of AP, resampled by image or by cluster of images.

Neighbouring frames of a video show nearly the same picture: resampled one by one they would make an interval too
narrow. So whole clusters are drawn (Davison & Hinkley 1997, ch. 3.8), the same ones for both models.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from dataengine.errors import ParamsError
from dataengine.evaluation.matching import Matches, average_precision
from dataengine.people import Images

ClusterKind = Literal["image", "frames", "video"]


@dataclass(frozen=True)
class Interval:
    """A figure with the bounds of its bootstrap interval."""

    value: float
    low: float
    high: float


@dataclass(frozen=True)
class PairedIntervals:
    """Two models on the same images, and how much the first is better than the second."""

    first: Interval
    second: Interval
    difference: Interval  # first minus second
    draws: NDArray[np.float64]  # (r,) the resampled differences


def clusters_of(images: Images, kind: ClusterKind, block_frames: int = 1) -> NDArray[np.int64]:
    """Cluster index (m,) of each image: itself, its video, or its block of `block_frames` frames of a video.

    An image that is of no video is a cluster of its own. Cameras that film the same moment count as separate videos:
    where they do, the interval is somewhat too narrow.
    """
    if block_frames < 1:
        raise ParamsError("a block of frames is empty", expected="1 or more", got=str(block_frames))
    single = images.video == ""
    block = images.frame // block_frames if kind == "frames" else np.zeros(len(images), dtype=np.int64)
    single = single | (kind == "image")
    keys = [
        ("", int(image_id)) if alone else (str(video), int(part))
        for alone, image_id, video, part in zip(single, images.id, images.video, block, strict=True)
    ]
    index: dict[tuple[str, int], int] = {}
    return np.array([index.setdefault(key, len(index)) for key in keys], dtype=np.int64)


def resampled_weights(
    clusters: NDArray[np.int64], resamples: int, rng: np.random.Generator
) -> Iterator[NDArray[np.float64]]:
    """How often each image (m,) counts in each of `resamples` draws of as many clusters, with replacement."""
    count = int(clusters.max()) + 1
    share = np.full(count, 1 / count)
    for _ in range(resamples):
        yield rng.multinomial(count, share).astype(np.float64)[clusters]


def interval_of(
    matches: Matches, clusters: NDArray[np.int64], *, resamples: int, level: float, rng: np.random.Generator
) -> Interval:
    """Percentile interval of one model's AP. `clusters` (m,) follows the order of `matches.image_id`."""
    draws = [average_precision(matches, weight) for weight in resampled_weights(clusters, resamples, rng)]
    return _interval(average_precision(matches), np.array(draws), level)


def paired_intervals(
    first: Matches,
    second: Matches,
    clusters: NDArray[np.int64],
    *,
    resamples: int,
    level: float,
    rng: np.random.Generator,
) -> PairedIntervals:
    """Percentile intervals of two models' AP and of their difference, from the same draws."""
    if not np.array_equal(first.image_id, second.image_id):
        raise ValueError("both models must be matched on the same images")
    draws = np.array(
        [
            (average_precision(first, weight), average_precision(second, weight))
            for weight in resampled_weights(clusters, resamples, rng)
        ]
    )
    values = average_precision(first), average_precision(second)
    difference = draws[:, 0] - draws[:, 1]
    return PairedIntervals(
        first=_interval(values[0], draws[:, 0], level),
        second=_interval(values[1], draws[:, 1], level),
        difference=_interval(values[0] - values[1], difference, level),
        draws=difference,
    )


def _interval(value: float, draws: NDArray[np.float64], level: float) -> Interval:
    low, high = np.quantile(draws, [(1 - level) / 2, (1 + level) / 2])
    return Interval(value=value, low=float(low), high=float(high))
