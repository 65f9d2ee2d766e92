"""The interval of a figure over scenes: what was taken together shows the same people and moments."""

from collections.abc import Callable

import numpy as np
from numpy.typing import ArrayLike, NDArray

from dataengine.evaluation.analysis.resampled import Resampled, effective_size


def scene_interval(
    figure: Callable[[NDArray[np.int64]], float], sizes: ArrayLike, *, resamples: int, level: float, seed: int = 0
) -> tuple[float, float]:
    """Where `figure` lies over scenes like these: the gate's interval, expanded where scenes are few.

    `figure` takes the numbers (scenes,) of whole scenes drawn with replacement; `sizes` (scenes,) is how much evidence
    each scene holds, joints or people, since a set that one scene fills is little more than that scene. Draws whose
    figure is not finite are left out. NaN for a single scene, which says nothing of others, and where no draw has a
    figure.

    >>> values = np.array([1.0, 2.0, 3.0, 4.0])
    >>> scene_interval(lambda drawn: float(values[drawn].mean()), np.ones(4), resamples=1000, level=0.9)
    (1.25, 3.75)
    """
    size = np.asarray(sizes, dtype=np.float64)
    scenes = len(size)
    if scenes < 2:
        return float("nan"), float("nan")
    rng = np.random.default_rng(seed)
    drawn = np.array([figure(rng.integers(scenes, size=scenes)) for _ in range(resamples)])
    draws = drawn[np.isfinite(drawn)]
    interval = Resampled(figure(np.arange(scenes)), draws, effective_size(size)).interval(level)
    return interval.low, interval.high


def films_of_scenes(films: int, scenes: int) -> str:
    """The numbers of both in words, for pages.

    >>> films_of_scenes(4, 1)
    '4 films of 1 scene'
    """
    return f"{films} film{'s' * (films != 1)} of {scenes} scene{'s' * (scenes != 1)}"
