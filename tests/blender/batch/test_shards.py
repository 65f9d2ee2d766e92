"""Shards made by processes of a parallel map, with a maker that needs no Blender."""

import sys
from pathlib import Path

import pytest

from dataengine.blender.batch.shards import SHARD_IMAGES, ShardWork, make_shards, shards_of
from dataengine.blender.batch.workforce import Outcome, Terms
from dataengine.blender.workers.job import Job
from dataengine.errors import EnvironmentFault

from .test_workforce import MAKERS, tries

TERMS = Terms(workers=8, image_timeout_s=60, images_per_worker=100)


def work(maker: str, **arguments: object) -> ShardWork:
    """Made by this very Python, which needs nothing installed."""
    return ShardWork(Path(sys.executable), Job(f"worker_makers:{maker}", arguments), TERMS, (MAKERS,))


def test_shards_are_ranges_of_indices() -> None:
    assert shards_of([0, 1, 31, 32, 70]) == [[0, 1, 31], [32], [70]]
    assert [index for shard in shards_of(range(100)) for index in shard] == list(range(100))
    assert shards_of([]) == []


def test_every_image_is_made_once_and_failures_are_listed(tmp_path: Path) -> None:
    indices = [0, 1, 2, SHARD_IMAGES, SHARD_IMAGES + 1]
    outcome = Outcome()
    fails = [(1, "raise"), (SHARD_IMAGES, "die once")]
    make_shards(work("Notebook", folder=tmp_path, fails=fails), indices, outcome, cluster=None, workers=2)
    assert tries(tmp_path) == {0: 1, 1: 2, 2: 1, SHARD_IMAGES: 2, SHARD_IMAGES + 1: 1}
    assert set(outcome.skipped) == {1} and "bad scene" in outcome.skipped[1]


def test_a_fault_of_the_machine_names_the_shard() -> None:
    with pytest.raises(EnvironmentFault, match="images 5 to 6: no Blender here"):
        make_shards(work("Unbuildable", how="fault"), [5, 6], Outcome(), cluster=None, workers=1)
