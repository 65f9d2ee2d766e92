"""Images rendered on a cluster: each item is a shard of consecutive indices, made by one supervised worker.

An image is a function of params, seed and index alone, so shards need nothing of each other, and images are the same
files wherever they are made. Workers write them into the batch's folder, which all nodes see.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import groupby
from pathlib import Path

from dataengine.parallel.parallel_map import parallel_map

from ..workers.job import Job
from .workforce import Outcome, Terms, Workforce

SHARD_IMAGES = 32
"""Starting a worker takes as long as a few images; a shard whose node is lost is made again from where it stood."""


@dataclass(frozen=True)
class ShardWork:
    """Called with indices, it makes their images and returns those that it had to skip, with the reason."""

    python: Path
    job: Job
    terms: Terms
    search: tuple[Path, ...] = ()

    def __call__(self, indices: Sequence[int]) -> dict[int, str]:
        """Raises the machine's fault, as `Workforce.run` does."""
        outcome = Outcome()
        for _ in Workforce(self.python, self.job, replace(self.terms, workers=1), search=self.search).run(
            indices, outcome
        ):
            pass
        if outcome.stopped_by is not None:
            raise SystemExit(128 + outcome.stopped_by)
        return outcome.skipped


def shards_of(indices: Sequence[int]) -> list[list[int]]:
    """Sorted indices by ranges of `SHARD_IMAGES`, whichever of a range are there.

    >>> shards_of([0, 1, 31, 32, 70])
    [[0, 1, 31], [32], [70]]
    """
    return [list(part) for _, part in groupby(indices, key=lambda index: index // SHARD_IMAGES)]


def make_shards(
    work: ShardWork, indices: Sequence[int], outcome: Outcome, *, cluster: str | None, workers: int | None = None
) -> None:
    """Make the images on a Ray cluster, or by `workers` processes of this machine; fills `outcome`."""
    found = parallel_map(
        work,
        shards_of(indices),
        description="render",
        cluster=cluster,
        workers=workers,
        name=lambda shard: f"images {shard[0]} to {shard[-1]}",
        unit=f"x{SHARD_IMAGES} images",
    )
    for skipped in found:
        outcome.skipped.update(skipped)
