"""Neighbours in time and films."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from dataengine.active.choice.spread_out import thin_in_time


@given(
    frames=st.lists(st.tuples(st.sampled_from(["", "a", "b"]), st.integers(0, 30)), max_size=20),
    gap=st.integers(0, 8),
    seed=st.integers(0, 99),
)
@settings(deadline=None)
def test_thinning_keeps_the_gap_and_drops_nothing_without_need(
    frames: list[tuple[str, int]], gap: int, seed: int
) -> None:
    scores = np.random.default_rng(seed).random(len(frames))
    video = np.array([v for v, _ in frames], dtype=str)
    frame = np.array([f for _, f in frames], dtype=np.int64)
    kept = set(thin_in_time(scores, video, frame, gap).tolist())
    for row in range(len(frames)):
        rivals = [
            k for k in kept - {row} if video[row] and video[k] == video[row] and abs(int(frame[k] - frame[row])) < gap
        ]
        assert not rivals if row in kept else any(scores[k] >= scores[row] for k in rivals)
