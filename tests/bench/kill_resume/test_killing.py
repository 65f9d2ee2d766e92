"""Stages that are killed resume to the same result, and a difference is seen. Whole rounds are for ``make bench``."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from dataengine.bench.kill_resume.killing import Undisturbed, try_full_disk, try_kill, undisturbed
from dataengine.bench.kill_resume.lost import try_lost_remote
from dataengine.bench.kill_resume.outcome import differences, outcome_of
from dataengine.bench.kill_resume.small_disk import small_disk
from dataengine.bench.kill_resume.tiny_project import begin, write_project
from dataengine.bench.kill_resume.workshop import Workshop, open_workshop
from dataengine.errors import EnvironmentFault

from ...helpers.dvc_checkout import REPOSITORY

WORDS = ("dvc", "repro", "balance")


def write_small(workshop: Workshop) -> None:
    """The tiny project, as it is before its first stage; the stages have run once elsewhere."""
    write_project(workshop.root, REPOSITORY / "dvc.yaml")
    begin(workshop.root, workshop.environment)
    workshop.keep_as_start()
    assert workshop.run(WORDS).returncode == 0
    workshop.begin_again()


@pytest.fixture(scope="module")
def workshop() -> Iterator[Workshop]:
    with open_workshop(write_small) as opened:
        yield opened


@pytest.fixture(scope="module")
def right(workshop: Workshop) -> Undisturbed:
    return undisturbed(workshop, WORDS)


def test_killed_stages_resume_to_the_same_result_and_a_difference_is_seen(
    workshop: Workshop, right: Undisturbed
) -> None:
    made = try_kill(workshop, WORDS, 0.6 * right.seconds, right, examined=False)
    assert made.was_killed and made.faults == ()
    assert {"data/ingest/train.json", "data/balance/clusters.json"} <= right.outcome.keys()
    other = {**right.outcome, "data/balance/clusters.json": "another"}
    assert differences(outcome_of(workshop.root), other) == ["data/balance/clusters.json"]


def test_a_full_disk_costs_nothing_but_time(workshop: Workshop, right: Undisturbed, tmp_path: Path) -> None:
    try:
        with small_disk(tmp_path / "disk") as disk:
            disk.leave(1 << 16)
            with pytest.raises(OSError, match="space"):
                (disk.place / "a").write_bytes(bytes(1 << 18))
    except EnvironmentFault as fault:
        pytest.skip(str(fault))
    made = try_full_disk(workshop, WORDS, right.written_bytes // 2, right, examined=False)
    assert made.was_killed and made.faults == ()


def test_a_remote_that_is_gone_does_not_matter(workshop: Workshop, right: Undisturbed) -> None:
    assert try_lost_remote(workshop, WORDS, right, examined=False).faults == ()
