"""A figure with its bootstrap interval: what `bootstrap` makes, and what verdicts and reports keep."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Interval:
    """A figure with the bounds of its bootstrap interval."""

    value: float
    low: float
    high: float
