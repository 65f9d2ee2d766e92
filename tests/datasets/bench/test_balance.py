"""The balance benchmark on few people: what it yields, and that both ways cluster the same vectors."""

import numpy as np
import pytest

from dataengine.datasets.bench import balance


def test_figures_beside_the_peers(monkeypatch: pytest.MonkeyPatch) -> None:
    made = {
        "ours": {"seconds": 2.0, "peak_gb": 1.0, "inertia": 5.0},
        "peer": {"seconds": 4.0, "peak_gb": 2.0, "inertia": 5},
    }
    monkeypatch.setattr(balance, "in_a_process", lambda way: made[way])
    figures = {figure.name: (figure.ours, figure.peer) for figure in balance.run()}
    assert figures == {"balance.million_s": (2, 4), "balance.million_gb": (1, 2), "balance.inertia": (5, 5)}


@pytest.mark.slow
def test_each_way_in_a_process_of_its_own() -> None:
    ours, peer = balance.in_a_process("ours", 3000), balance.in_a_process("peer", 3000)
    assert min(ours["peak_gb"], peer["peak_gb"]) > 0.1
    assert ours["inertia"] == pytest.approx(peer["inertia"], rel=0.2)


def test_the_people_are_uneven_and_incomplete() -> None:
    people = balance.made_up_people(2000)
    assert len(people) == 2000 and 0.05 < (people.visibility == 0).mean() < 0.15
    again = balance.made_up_people(2000)
    assert np.array_equal(people.keypoints_px, again.keypoints_px)


def test_inertia_by_hand() -> None:
    vectors, centres = np.array([[0.0, 0], [3, 4], [1, 1]]), np.array([[0.0, 0], [1, 1]])
    assert balance.inertia(vectors, centres, np.array([0, 0, 1]), chunk=2) == 25
