"""The benchmark of selection, on pools of a few hundred people."""

from pathlib import Path

import numpy as np
import pytest

from dataengine.active.bench import selection, selection_peers
from dataengine.active.bench.selection import in_a_process, pool, run, sample_coverage, write_pool
from dataengine.active.bench.selection_peers import NotInstalled, Peer
from dataengine.bench import BENCHMARKS
from dataengine.bench.record import Figure, Missing


def test_a_process_picks_from_disk(tmp_path: Path) -> None:
    write_pool(tmp_path, 300)
    assert np.load(tmp_path / selection.EMBEDDINGS, mmap_mode="r").shape == (300, selection.DIMENSIONS)
    measured = in_a_process(tmp_path, picks=20)
    assert measured["picks"] == 20 and measured["seconds"] > 0 and 0.05 < measured["peak_gb"] < 3


def test_a_sample_covers_less_than_the_whole_but_not_much() -> None:
    part, whole = sample_coverage(2048, picks=20)
    assert 0.8 * whole < part <= whole * 1.001 < 1


def test_a_peer_that_is_not_installed_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    def lacking(*_: object) -> float:
        raise NotInstalled("a library")

    monkeypatch.setattr(selection, "PICKS", 10)
    peers = {"lacking": Peer(lacking, 200, 5), "slow": Peer(lambda *_: 2.0, 200, 5)}
    rows = list(run(people=300, sampled=256, peers=peers))
    assert [row.name for row in rows] == [
        "select.million_s", "select.million_gb", "select.sample_coverage", "select.vs_lacking", "select.vs_slow"
    ]  # fmt: skip
    assert isinstance(rows[3], Missing) and rows[3].line().endswith("it needs a library")
    assert isinstance(rows[4], Figure) and rows[4].peer == 2.5
    assert BENCHMARKS["select"] == selection.__name__


@pytest.mark.parametrize("name", ["scikit_activeml", "modal"])
def test_peers_pick_where_they_are_installed(name: str) -> None:
    scores, points = pool(200)
    try:
        assert selection_peers.PEERS[name].seconds(scores, points, 10) > 0
    except NotInstalled as fault:
        assert "[bench]" in str(fault)
