"""How long each step took per picture, in memory that does not grow: counts in bins of 1 % of width."""

import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import TypeVar

import numpy as np

T = TypeVar("T")
LEAST_MS, BIN = 1e-3, 1.01
BINS = 2100  # up to 20 minutes
PERCENTILES = (50, 95, 99)


class StepTimes:
    """Times by step; each step is timed by one thread alone."""

    def __init__(self) -> None:
        self._counts: dict[str, np.ndarray] = {}

    def add(self, step: str, seconds: float, pictures: int = 1) -> None:
        """`seconds` were spent on that many pictures, evenly."""
        counts = self._counts.setdefault(step, np.zeros(BINS, dtype=np.int64))
        ms = max(1000 * seconds / max(pictures, 1), LEAST_MS)
        counts[min(BINS - 1, round(np.log(ms / LEAST_MS) / np.log(BIN)))] += pictures

    @contextmanager
    def of(self, step: str, pictures: int = 1) -> Iterator[None]:
        """Time the block."""
        started = time.perf_counter()
        yield
        self.add(step, time.perf_counter() - started, pictures)

    def each(self, step: str, items: Iterable[T]) -> Iterator[T]:
        """`items`, timing how long each takes to come."""
        remaining = iter(items)
        while True:
            started = time.perf_counter()
            try:
                item = next(remaining)
            except StopIteration:
                return
            self.add(step, time.perf_counter() - started)
            yield item

    def percentiles(self) -> dict[str, dict[str, float]]:
        """Milliseconds of a picture by step: ``{"decode": {"p50": 3.1, ...}, ...}``, within 1 %."""
        return {
            step: {f"p{share}": round(_percentile(counts, share), 3) for share in PERCENTILES}
            for step, counts in self._counts.items()
        }


def _percentile(counts: np.ndarray, share: int) -> float:
    at = int(np.searchsorted(np.cumsum(counts), share / 100 * counts.sum()))
    return float(LEAST_MS * BIN ** min(at, BINS - 1))
