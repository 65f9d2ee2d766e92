import string
from itertools import pairwise
from random import Random

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dataengine.datasets.splits.assign import (
    DROPPED,
    SPLITS,
    SplitParams,
    beyond_limit,
    group_names,
    known_groups,
    split_frames,
    split_group,
    split_images,
    taken_together,
)
from dataengine.errors import ParamsError
from dataengine.people import Images

THIRDS = SplitParams(val_share=0.3, test_share=0.3, gap_frames=0)
NAMES = st.sets(st.text(string.ascii_lowercase, min_size=1, max_size=4), min_size=1, max_size=30)


@given(st.integers(30, 500), st.floats(0.1, 0.3), st.floats(0.1, 0.3), st.integers(0, 5))
def test_no_frame_neighbours_one_of_another_split(count: int, val: float, test: float, gap: int) -> None:
    split = split_frames(count, SplitParams(val_share=val, test_share=test, gap_frames=gap))
    for name in ("train", "val", "test"):
        rows = np.flatnonzero(split == name)
        others = np.flatnonzero((split != name) & (split != DROPPED))
        if len(rows) and len(others):
            assert np.abs(rows[:, None] - others).min() > gap
    assert (split == "test").sum() == round(count * test)


@st.composite
def growing_sets(draw: st.DrawFn) -> tuple[list[str], list[tuple[int, int]], int]:
    """Names in the order in which they arrive, near-duplicate pairs among them, and how many came first."""
    names = draw(st.permutations(sorted(draw(NAMES))))
    rows = st.integers(0, len(names) - 1)
    pairs = draw(st.lists(st.tuples(rows, rows).filter(lambda p: p[0] != p[1]), max_size=40)) if len(names) > 1 else []
    return list(names), pairs, draw(st.integers(1, len(names)))


def near(pairs: list[tuple[int, int]]) -> tuple[np.ndarray, np.ndarray]:
    table = np.array(pairs, dtype=np.int64).reshape(-1, 2)
    return table[:, 0], table[:, 1]


@given(growing_sets())
@settings(deadline=None, max_examples=300)
def test_added_data_moves_no_sample_and_no_test_sample_leaves(
    case: tuple[list[str], list[tuple[int, int]], int],
) -> None:
    names, pairs, first = case
    before = split_images(names[:first], near([p for p in pairs if max(p) < first]), THIRDS).split
    after = split_images(names, near(pairs), THIRDS).split[:first]
    assert all(b in (a, DROPPED) for a, b in zip(before, after, strict=True)), "it is where it was, or set aside"
    assert (after[before == "test"] == "test").all()
    assert (after[before == DROPPED] == DROPPED).all(), "what was set aside does not come back"


@given(growing_sets(), st.randoms())
@settings(deadline=None)
def test_near_duplicates_never_lie_in_two_splits_in_whatever_order_they_come(
    case: tuple[list[str], list[tuple[int, int]], int], random: Random
) -> None:
    names, pairs, _ = case
    found = split_images(names, near(pairs), THIRDS)
    for a, b in pairs:
        assert found.split[a] == found.split[b] or DROPPED in (found.split[a], found.split[b])
    for row in np.flatnonzero(found.split == DROPPED):
        keeper = found.leaks_to[row]
        assert SPLITS.index(found.split[keeper]) > SPLITS.index(found.home[row])
    used = found.split != DROPPED
    assert (found.split[used] == found.home[used]).all()
    order = list(range(len(names)))
    random.shuffle(order)
    place = {row: index for index, row in enumerate(order)}
    again = split_images([names[r] for r in order], near([(place[a], place[b]) for a, b in pairs]), THIRDS)
    assert {names[r]: s for r, s in zip(order, again.split, strict=True)} == dict(zip(names, found.split, strict=True))


def test_no_rule_could_keep_the_cluster_whole_so_the_bridge_costs_the_training_sample() -> None:
    by_home = {split_group(name, THIRDS): name for name in string.ascii_lowercase}
    names = [by_home["train"], by_home["test"], by_home["val"]]
    assert split_images(names, near([]), THIRDS).split.tolist() == ["train", "test", "val"]
    bridged = split_images(names, near([(0, 2), (2, 1)]), THIRDS)
    assert bridged.split.tolist() == [DROPPED, "test", DROPPED]
    assert bridged.leaks_to.tolist() == [1, -1, 1]


@given(growing_sets())
@settings(deadline=None)
def test_a_frozen_test_set_neither_grows_nor_shrinks_whatever_comes(
    case: tuple[list[str], list[tuple[int, int]], int],
) -> None:
    names, pairs, first = case
    before = split_images(names[:first], near([p for p in pairs if max(p) < first]), THIRDS).split
    frozen = {name for name, split in zip(names, before, strict=False) if split == "test"}
    other_shares = SplitParams(val_share=0.1, test_share=0.5, gap_frames=0)
    for params in (THIRDS, other_shares):
        after = split_images(names, near(pairs), params, keys=names, frozen=frozen)
        assert {name for name, split in zip(names, after.split, strict=True) if split == "test"} == frozen
        assert (after.split[after.reserved] == DROPPED).all(), "nobody trains on what a later test set will hold"
        assert all(names[r] not in frozen and after.home[r] == "test" for r in np.flatnonzero(after.reserved))


@given(st.lists(st.tuples(st.sampled_from(["", "walk.mp4", "b/run.mp4"]), st.integers(0, 5)), min_size=1, max_size=20))
def test_frames_of_a_video_share_a_group_and_pictures_go_by_their_content(frames: list[tuple[str, int]]) -> None:
    count = len(frames)
    images = Images.build(
        id=np.arange(count), path=[f"x/{n}.jpg" for n in range(count)], width=9, height=9,
        video=[v for v, _ in frames], frame=[f for _, f in frames],
    )  # fmt: skip
    content = [f"sha{n}" for n in range(count)]
    groups = group_names(images, content, THIRDS)
    assert groups == [v or content[n] for n, (v, _) in enumerate(frames)]


def test_a_pattern_makes_scenes_of_file_names() -> None:
    params = SplitParams(0.3, 0.3, 0, scene_pattern=r"^(.*)_\d+\.jpg$")
    paths = ["a/park_001.jpg", "b/park_002.jpg", "a/alone.jpg"]
    images = Images.build(id=[1, 2, 3], path=paths, width=9, height=9)
    assert group_names(images, ["s1", "s2", "s3"], params) == ["park", "park", "s3"]


def test_a_pattern_goes_before_what_the_source_says_and_that_before_the_video() -> None:
    params = SplitParams(0.3, 0.3, 0, scene_pattern=r"^(.*)_\d+\.jpg$")
    images = Images.build(
        id=[1, 2, 3, 4], path=["park_001.jpg", "x.jpg", "y.jpg", "z.jpg"], width=9, height=9,
        group=["gym", "gym", "", ""], video=["v.mp4", "v.mp4", "a/v.mp4", ""],
    )  # fmt: skip
    assert known_groups(images, params) == ["park", "gym", "a/v.mp4", ""]


def test_near_duplicates_are_one_group_for_measuring_but_not_for_splits() -> None:
    images = Images.build(id=range(5), path=list("abcde"), width=9, height=9, group=["park", "", "", "", ""])
    content, pairs = ["s0", "s1", "s2", "s3", "s4"], near([(0, 1), (2, 3)])
    assert taken_together(images, pairs, content, THIRDS) == ["park", "like s0", "like s2", "like s2", ""]
    assert group_names(images, content, THIRDS) == ["park", "s1", "s2", "s3", "s4"]


def test_shares_are_kept_on_average() -> None:
    params = SplitParams(val_share=0.1, test_share=0.2, gap_frames=0)
    found = [split_group(f"image{i}.jpg", params) for i in range(5000)]
    assert found.count("test") / 5000 == pytest.approx(0.2, abs=0.02)
    assert found.count("val") / 5000 == pytest.approx(0.1, abs=0.02)


def test_a_raised_test_share_only_adds_to_the_test_set() -> None:
    shares = [SplitParams(val_share=0.1, test_share=share, gap_frames=0) for share in (0.1, 0.2, 0.4)]
    tests = [{n for n in range(2000) if split_group(str(n), params) == "test"} for params in shares]
    assert all(small < large for small, large in pairwise(tests))


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"val_share": 0.6, "test_share": 0.4}, "shares"),
        ({"val_share": -0.1}, "shares"),
        ({"gap_frames": -1}, "gap_frames"),
        ({"scene_pattern": "("}, "scene_pattern"),
        ({"scene_pattern": "no group"}, r"one \(group\)"),
        ({"test_version": " "}, "test_version"),
    ],
)
def test_impossible_params_are_refused(changes: dict[str, object], message: str) -> None:
    with pytest.raises(ParamsError, match=message):
        SplitParams(**{"val_share": 0.1, "test_share": 0.2, "gap_frames": 0} | changes)  # type: ignore[arg-type]


@given(
    st.lists(st.tuples(st.sampled_from([*SPLITS, DROPPED]), st.booleans()), min_size=1, max_size=40),
    st.integers(1, 45),
    st.integers(1, 45),
    st.randoms(use_true_random=False),
)
def test_a_smaller_limit_is_part_of_a_larger_one(
    rows: list[tuple[str, bool]], few: int, more: int, chance: Random
) -> None:
    few, more = sorted((few, more))
    split, labelled = np.array([name for name, _ in rows], dtype="<U5"), np.array([has for _, has in rows])
    keys = [f"{chance.getrandbits(64):016x}" for _ in rows]
    training = split == "train"
    kept = {limit: training & ~beyond_limit(split, keys, labelled, limit) for limit in (few, more, None)}
    assert not (kept[few] & ~kept[more]).any() and not beyond_limit(split, keys, labelled, None).any()
    for limit in (few, more):
        left = beyond_limit(split, keys, labelled, limit)
        assert training[left].all() and labelled[kept[limit]].all()
        assert kept[limit].sum() == min(limit, (training & labelled).sum())
    order = chance.sample(range(len(rows)), len(rows))  # nothing depends on the order of the images
    moved = beyond_limit(split[order], [keys[row] for row in order], labelled[order], few)
    assert np.array_equal(moved, beyond_limit(split, keys, labelled, few)[order])


def test_a_limit_of_no_training_images() -> None:
    with pytest.raises(ParamsError, match="train_images"):
        SplitParams(val_share=0.1, test_share=0.1, gap_frames=0, train_images=0)
