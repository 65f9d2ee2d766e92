"""Crops of a few pictures, cut and read by threads side by side, each of which computes by itself.

A network that divides each of its operations among threads waits for the slowest of them every time, and the decoder
runs at that moment on the core that it waits for. Threads with people of their own wait for nothing.
"""

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Executor, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TypeVar

import torch

T = TypeVar("T")
R = TypeVar("R")


@dataclass(frozen=True, eq=False)
class SideBySide:
    """Threads that share work out; without an executor the one who asks does it alone."""

    workers: int = 1
    executor: Executor | None = None

    def map(self, work: Callable[[Sequence[T]], R], items: Sequence[T], multiple: int) -> list[R]:
        """`work` of parts of the items, in their order; each part but the last has a multiple of `multiple` items."""
        parts = shares(items, self.workers if self.executor is not None else 1, multiple)
        if self.executor is None or len(parts) < 2:
            return [work(part) for part in parts]
        return list(self.executor.map(work, parts))


@contextmanager
def side_by_side(workers: int) -> Iterator[SideBySide]:
    """That many threads for a ``with`` block, in each of which PyTorch computes with one; fewer than two are none."""
    if workers < 2:
        yield SideBySide()
        return
    before = torch.get_num_threads()
    with ThreadPoolExecutor(workers, "infer-network", initializer=torch.set_num_threads, initargs=(1,)) as executor:
        try:
            yield SideBySide(workers, executor)
        finally:
            torch.set_num_threads(before)  # threads that begin later take what was set last


def shares(items: Sequence[T], most: int, multiple: int) -> list[Sequence[T]]:
    """At most `most` parts of about the same length.

    >>> shares("abcdefghij", most=2, multiple=4)
    ['abcdefgh', 'ij']
    """
    blocks = -(-len(items) // multiple)
    length = max(-(-blocks // most) * multiple, 1)
    return [items[start : start + length] for start in range(0, len(items), length)]
