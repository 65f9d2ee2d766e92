"""The interval of a figure over scenes: what was taken together shows the same people and moments."""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray


def scene_interval(
    figure: Callable[[NDArray[np.int64]], float], scenes: int, *, resamples: int, level: float, seed: int = 0
) -> tuple[float, float]:
    """Percentiles of `figure` over draws of `scenes` whole scenes with replacement, given as their numbers (scenes,).

    Draws whose figure is NaN are left out. NaN for a single scene, which says nothing of others, and where no draw has
    a figure.

    >>> values = np.array([1.0, 2.0, 3.0, 4.0])
    >>> scene_interval(lambda drawn: float(values[drawn].mean()), 4, resamples=1000, level=0.9)
    (1.75, 3.5)
    """
    if scenes < 2:
        return float("nan"), float("nan")
    rng = np.random.default_rng(seed)
    drawn = np.array([figure(rng.integers(scenes, size=scenes)) for _ in range(resamples)])
    known = drawn[np.isfinite(drawn)]
    low, high = np.quantile(known, [(1 - level) / 2, (1 + level) / 2]) if len(known) else (np.nan, np.nan)
    return float(low), float(high)


def films_of_scenes(films: int, scenes: int) -> str:
    """The numbers of both in words, for pages.

    >>> films_of_scenes(4, 1)
    '4 films of 1 scene'
    """
    return f"{films} film{'s' * (films != 1)} of {scenes} scene{'s' * (scenes != 1)}"
