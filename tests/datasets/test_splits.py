import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dataengine.datasets.splits import DROPPED, SplitParams, split_frames, split_group
from dataengine.errors import ParamsError


@given(st.integers(30, 500), st.floats(0.1, 0.3), st.floats(0.1, 0.3), st.integers(0, 5))
def test_no_frame_neighbours_one_of_another_split(count: int, val: float, test: float, gap: int) -> None:
    split = split_frames(count, SplitParams(val_share=val, test_share=test, gap_frames=gap))
    for name in ("train", "val", "test"):
        rows = np.flatnonzero(split == name)
        others = np.flatnonzero((split != name) & (split != DROPPED))
        if len(rows) and len(others):
            assert np.abs(rows[:, None] - others).min() > gap
    assert (split == "test").sum() == round(count * test)


@given(st.sets(st.text(min_size=1), min_size=1, max_size=50), st.sets(st.text(min_size=1), max_size=50))
def test_adding_data_moves_no_sample(groups: set[str], more: set[str]) -> None:
    params = SplitParams(val_share=0.2, test_share=0.2, gap_frames=0)
    before = {group: split_group(group, params) for group in groups}
    after = {group: split_group(group, params) for group in groups | more}
    assert all(after[group] == split for group, split in before.items())


def test_shares_are_kept_on_average() -> None:
    params = SplitParams(val_share=0.1, test_share=0.2, gap_frames=0)
    found = [split_group(f"image{i}.jpg", params) for i in range(5000)]
    assert found.count("test") / 5000 == pytest.approx(0.2, abs=0.02)
    assert found.count("val") / 5000 == pytest.approx(0.1, abs=0.02)


@pytest.mark.parametrize(("val", "test", "gap"), [(0.6, 0.4, 0), (-0.1, 0.2, 0), (0.1, 0.1, -1)])
def test_impossible_shares_are_refused(val: float, test: float, gap: int) -> None:
    with pytest.raises(ParamsError, match=r"ingest\.split"):
        SplitParams(val_share=val, test_share=test, gap_frames=gap)
