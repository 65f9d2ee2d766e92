"""Work shared out among threads: all of it once, in its order, and the same answers as by one alone."""

import threading
from pathlib import Path

import numpy as np
import torch
from hypothesis import given
from hypothesis import strategies as st

from dataengine.infer.estimating import Estimator
from dataengine.infer.models import open_model
from dataengine.infer.shown import Shown
from dataengine.infer.side_by_side import shares, side_by_side

from .made import random_network


@given(st.lists(st.integers(), max_size=40), st.integers(1, 5), st.integers(1, 6))
def test_shares_are_all_of_it_in_order(items: list[int], most: int, multiple: int) -> None:
    parts = shares(items, most, multiple)
    assert [item for part in parts for item in part] == items
    assert len(parts) <= most
    assert all(len(part) % multiple == 0 for part in parts[:-1])


def test_threads_compute_with_one_each_and_end() -> None:
    before, running = torch.get_num_threads(), threading.active_count()
    with side_by_side(2) as threads:
        assert threads.map(lambda some: (torch.get_num_threads(), sum(some)), [1, 2, 3, 4], 2) == [(1, 3), (1, 7)]
        assert torch.get_num_threads() == before
    assert (torch.get_num_threads(), threading.active_count()) == (before, running)


def test_a_fault_in_a_thread_comes_out() -> None:
    with side_by_side(2) as threads, np.testing.assert_raises(ZeroDivisionError):
        threads.map(lambda some: 1 // (some[0] - 3), [1, 2, 3, 4], 2)


def test_joints_are_those_of_one_thread(tmp_path: Path) -> None:
    model = open_model(random_network(tmp_path))
    rng = np.random.default_rng(0)
    shown = [Shown(i, "", np.nan, rng.integers(0, 255, (60, 80, 3), dtype=np.uint8)) for i in range(3)]
    boxes = [np.array([[5.0, 5.0, 30.0, 40.0], [30.0, 10.0, 20.0, 40.0]])[: 2 - i % 2] for i in range(3)]
    tracks = [np.arange(len(each)) for each in boxes]
    alone = Estimator(model).people(shown, boxes, tracks)
    with side_by_side(2) as threads:
        together = Estimator(model, threads=threads).people(shown, boxes, tracks)
    assert [len(people) for people in together] == [2, 1, 2]
    for one, other in zip(alone, together, strict=True):
        np.testing.assert_allclose(one.keypoints_px, other.keypoints_px, atol=1e-3)
        np.testing.assert_array_equal(one.track_id, other.track_id)
