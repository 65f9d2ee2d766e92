"""Means over seeds and their intervals, the spread over seeds pooled over what is compared."""

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

LEVEL = 0.95
GroupT = TypeVar("GroupT", bound=Hashable)


@dataclass(frozen=True)
class SeedMean:
    """A mean over seeds."""

    mean: float
    half_width: float
    """Half of the mean's interval; NaN for a single seed."""

    @property
    def is_clear(self) -> bool:
        """Whether the interval leaves 0 out; False for a single seed, where nobody knows."""
        return abs(self.mean) > self.half_width

    def text(self, sign: str = "") -> str:
        """Three decimals, and ± where there is an interval. `sign` is "+" for a difference."""
        return f"{self.mean:{sign}.3f}" + ("" if np.isnan(self.half_width) else f" ± {self.half_width:.3f}")

    def gain_over(self, other: "SeedMean") -> "SeedMean":
        """The difference of two independent means, and half of its interval."""
        return SeedMean(self.mean - other.mean, float(np.hypot(self.half_width, other.half_width)))


def seed_means(groups: Mapping[GroupT, Sequence[float]]) -> dict[GroupT, SeedMean]:
    """The mean of each group that has a value, with the pooled interval of `half_widths`.

    A group of one value has no interval: its own spread is not known, whatever that of the others.

    >>> means = seed_means({"real only": [0.50, 0.52, 0.51], "mixed": [0.55, 0.57, 0.56]})
    >>> print(means["mixed"].text(), means["mixed"].gain_over(means["real only"]).text("+"), sep="; ")
    0.560 ± 0.016; +0.050 ± 0.023
    """
    filled = {name: values for name, values in groups.items() if len(values)}
    widths = half_widths(list(filled.values())) if filled else np.empty(0)
    return {
        name: SeedMean(float(np.mean(values)), float(width) if len(values) > 1 else float("nan"))
        for (name, values), width in zip(filled.items(), widths, strict=True)
    }


def seed_gains(values: Mapping[GroupT, Mapping[int, float]], base: GroupT) -> dict[GroupT, SeedMean]:
    """What each group is above `base`, from values by seed: the mean of differences at the same seed.

    For groups that share more than the number, such as the labels that are learnt from: what a seed does to both is not
    in the spread of their difference. Groups without a seed in common with `base` are left out.

    >>> found = seed_gains({"none": {0: 0.50, 1: 0.60}, "all": {0: 0.52, 1: 0.63, 2: 0.9}}, "none")
    >>> print(*(f"{name} {gain.mean:.3f}" for name, gain in found.items()))
    all 0.025
    """
    of_base = values.get(base, {})
    return seed_means(
        {
            name: [value - of_base[seed] for seed, value in by_seed.items() if seed in of_base]
            for name, by_seed in values.items()
            if name != base
        }
    )


def half_widths(groups: Sequence[Sequence[float]]) -> NDArray[np.float64]:
    """Half of the interval (g,) of each group's mean; NaN for all where no group has two values.

    The spread is taken to be the same in all groups and pooled, as in a one-way analysis of variance: with two or three
    seeds a group's own spread says next to nothing. Student's t with as many degrees of freedom as there are values
    beyond the first of each group. An empty group has no interval: NaN.
    """
    from scipy.stats import t

    sizes = np.array([len(group) for group in groups])
    freedom = int(np.maximum(sizes - 1, 0).sum())
    if not freedom:
        return np.full(len(sizes), np.nan)
    squares = sum(float(((np.array(group) - np.mean(group)) ** 2).sum()) for group in groups if len(group))
    scale = np.divide(squares / freedom, sizes, out=np.full(len(sizes), np.nan), where=sizes > 0)
    return np.asarray(t.ppf((1 + LEVEL) / 2, freedom) * np.sqrt(scale))
