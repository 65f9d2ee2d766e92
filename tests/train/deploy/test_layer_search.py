"""Which layers are blamed, and how many of them stay in float."""

from collections.abc import Collection

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dataengine.train.deploy.layer_search import LayerBlock, blame, blocks_of, fewest_kept

NAMES = [
    "/backbone/stem/Conv",
    "/backbone/stage1/0/Conv",
    "/backbone/stage1/1/Conv",
    "/backbone/stage2/0/Conv",
    "/head/MatMul",
]


def test_few_layers_are_a_block_each() -> None:
    assert blocks_of(NAMES) == [LayerBlock(name, (name,)) for name in NAMES]


def test_many_layers_are_joined_by_their_modules() -> None:
    assert blocks_of(NAMES, most=4)[1] == LayerBlock(
        "/backbone/stage1", ("/backbone/stage1/0/Conv", "/backbone/stage1/1/Conv")
    )
    assert [block.name for block in blocks_of(NAMES, most=2)] == ["/backbone", "/head/MatMul"]


def test_a_module_whose_branches_take_turns_is_one_block() -> None:
    names = ["/a/0/Conv", "/b/0/Conv", "/a/1/Conv"]
    assert blocks_of(names, most=2) == [LayerBlock("/a", (names[0], names[2])), LayerBlock(names[1], (names[1],))]


@given(
    st.lists(st.lists(st.sampled_from("abc"), min_size=1, max_size=4).map(lambda p: "/" + "/".join(p)), unique=True),
    st.integers(1, 10),
)
def test_every_layer_is_in_one_block_and_blocks_are_in_the_order_of_their_first(names: list[str], most: int) -> None:
    blocks = blocks_of(names, most)
    assert sorted(name for block in blocks for name in block.layers) == sorted(names)
    assert len({block.name for block in blocks}) == len(blocks), "a page names each once"
    firsts = [names.index(block.layers[0]) for block in blocks]
    assert firsts == sorted(firsts)
    assert all(name.startswith(block.name) for block in blocks for name in block.layers)


def test_the_block_that_brings_the_joints_nearest_comes_first() -> None:
    blocks = blocks_of(NAMES)
    distances = {"/head/MatMul": 0.2, "/backbone/stem/Conv": 0.5}

    def distance_px(kept: Collection[str]) -> float:
        (name,) = kept
        return distances.get(name, 0.9)

    ranked = blame(blocks, distance_px)
    assert [each.block.name for each in ranked] == ["/head/MatMul", "/backbone/stem/Conv", *NAMES[1:4]]
    assert [each.distance_px for each in ranked] == [0.2, 0.5, 0.9, 0.9, 0.9]


@given(st.integers(1, 40), st.integers(0, 41))
def test_the_least_number_is_found_where_the_drop_falls(most: int, needed: int) -> None:
    tried: list[int] = []

    def drop(number: int) -> float:
        assert 1 <= number <= most
        tried.append(number)
        return 0.0 if number >= needed else 1.0

    assert fewest_kept(drop, 0.5, most) == (max(needed, 1) if needed <= most else None)
    assert len(tried) == len(set(tried)) <= 2 * most.bit_length()


@given(st.lists(st.booleans(), min_size=1, max_size=20))
def test_what_is_returned_holds_the_budget_however_uneven_the_drop(holds: list[bool]) -> None:
    number = fewest_kept(lambda tried: 0.0 if holds[tried - 1] else 1.0, 0.5, len(holds))
    assert holds[number - 1] if number is not None else not holds[-1]


@pytest.mark.parametrize("most", [0])
def test_where_none_may_be_kept_none_is_tried(most: int) -> None:
    assert fewest_kept(lambda number: pytest.fail(f"{number} was tried"), 0.5, most) is None
