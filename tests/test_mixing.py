"""What an epoch is made of: exact counts, fair turns, the same draw anywhere."""

import json
import subprocess
import sys
from collections import Counter
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from dataengine.errors import InputError, ParamsError
from dataengine.mixing import MixRecipe, draw_epoch, rank_places, read_recipe, share_of, with_replay, write_recipe

factors = st.lists(st.floats(1, 6), min_size=1, max_size=40)


def a_set(
    real: list[float], synthetic: int, pseudo: int, seed: int = 0
) -> tuple[NDArray[np.str_], NDArray[np.float64]]:
    """Sources and repeat factors (n,), shuffled."""
    source = np.array(["real"] * len(real) + ["synthetic"] * synthetic + ["pseudo"] * pseudo)
    factor = np.array([*real, *[1.0] * (synthetic + pseudo)])
    order = np.random.default_rng(seed).permutation(len(source))
    return source[order], factor[order]


@settings(deadline=None)  # other work on the machine must not fail it
@given(factors, st.integers(1, 20), st.integers(1, 20), st.integers(0, 9), st.integers(0, 50), st.integers(1, 8))
def test_counts_are_exact(
    real: list[float], synthetic: int, pseudo: int, seed: int, epoch: int, denominator: int
) -> None:
    source, factor = a_set(real, synthetic, pseudo)
    drawn = draw_epoch(source, factor, MixRecipe(round(1 / denominator, 10), 0.5, seed), epoch)
    times = np.bincount(drawn, minlength=len(source))
    of_real = source == "real"
    assert ((times >= np.floor(factor)) & (times <= np.ceil(factor)))[of_real].all()
    n_real = times[of_real].sum()
    assert abs(n_real - sum(real)) <= 0.5 + 1e-6
    assert times[source == "synthetic"].sum() == (2 * n_real + denominator) // (2 * denominator)
    assert times[source == "pseudo"].sum() == (n_real + 1) // 2


@settings(deadline=None)  # other work on the machine must not fail it
@given(factors, st.integers(0, 100), st.integers(0, 9))
def test_a_draw_depends_on_its_arguments_alone(real: list[float], epoch: int, seed: int) -> None:
    source, factor = a_set(real, 5, 5)
    recipe = MixRecipe(0.5, 0.5, seed)
    first = draw_epoch(source, factor, recipe, epoch)
    np.random.default_rng().random()
    assert np.array_equal(first, draw_epoch(source.copy(), factor.copy(), recipe, epoch))


def test_epochs_and_seeds_differ_in_who_and_not_in_how_many() -> None:
    source, factor = a_set([1.5] * 40, 30, 0)
    draws = [draw_epoch(source, factor, MixRecipe(1 / 3, 0, seed), epoch) for seed in (0, 1) for epoch in (0, 1)]
    assert {len(draw) for draw in draws} == {80}
    assert len({tuple(draw.tolist()) for draw in draws}) == 4


@given(st.lists(st.floats(1, 3), min_size=1, max_size=30), st.integers(0, 3))
def test_an_epoch_has_one_length_even_where_the_factors_come_to_a_half(real: list[float], seed: int) -> None:
    exact = sum(map(Fraction, real))
    rest = float(1 + (Fraction(1, 2) - exact) % 1)  # all together k + 1/2, as near as a float comes
    source, factor = a_set([*real, rest, 1.1, 1.2, 1.7], 0, 0)
    assert len({len(draw_epoch(source, factor, MixRecipe(0, 0, seed), epoch)) for epoch in range(30)}) == 1


def test_a_factor_is_what_samples_get_on_average() -> None:
    source, factor = a_set([r for r in (1.0, 1.2, 1.5, 2.0, 2.7) for _ in range(60)], 0, 0)
    draws = [draw_epoch(source, factor, MixRecipe(0, 0, 0), epoch) for epoch in range(100)]
    times = np.bincount(np.concatenate(draws), minlength=300) / 100
    for r in np.unique(factor):
        assert times[factor == r].mean() == pytest.approx(r, abs=0.02)


def test_synthetic_samples_take_turns_over_the_epochs() -> None:
    source, factor = a_set([1.0] * 9, 7, 0)
    times: Counter[int] = Counter()
    for epoch in range(7):  # 7 epochs of 3 are three rounds of 7
        drawn = draw_epoch(source, factor, MixRecipe(1 / 3, 0, 0), epoch)
        times.update(drawn[source[drawn] == "synthetic"].tolist())
        assert max(times.values()) - min([*times.values(), *[0] * (len(times) < 7)]) <= 1
    assert set(times.values()) == {3} and len(times) == 7


def test_more_of_one_source_does_not_change_the_others() -> None:
    source, factor = a_set([1.4] * 20, 10, 10)

    def drawn(name: str, recipe: MixRecipe) -> list[int]:
        order = draw_epoch(source, factor, recipe, 4)
        return sorted(order[source[order] == name].tolist())

    some, more = MixRecipe(0.25, 0.1, 0), MixRecipe(0.25, 0.5, 0)
    assert drawn("real", some) == drawn("real", more)
    assert drawn("synthetic", some) == drawn("synthetic", more)
    assert drawn("pseudo", some) != drawn("pseudo", more)
    assert drawn("pseudo", more.without_pseudo()) == []


@settings(deadline=None)  # other work on the machine must not fail it
@given(
    factors,
    st.integers(1, 12),
    st.integers(1, 9),
    st.fractions(0, 3, max_denominator=12),
    st.integers(0, 30),
    st.integers(0, 5),
)
def test_ranks_share_the_epoch_of_one_process(
    real: list[float], world: int, per_rank: int, ratio: Fraction, epoch: int, seed: int
) -> None:
    source, factor = a_set(real, 7, 5)
    orders = [draw_epoch(source, factor, MixRecipe(float(ratio), 0.5, seed), epoch) for _ in range(world)]
    batch = world * per_rank
    places = [rank_places(len(orders[rank]), batch, rank, world) for rank in range(world)]
    steps = len(orders[0]) // batch
    assert {len(own) for own in places} == {steps * per_rank}, "equal lengths"
    assert sorted(np.concatenate(places).tolist()) == list(range(steps * batch)), "disjoint, and all of one process's"
    drawn = [order[own].reshape(steps, per_rank) for order, own in zip(orders, places, strict=True)]
    alone = orders[0][rank_places(len(orders[0]), batch, 0, 1)].reshape(steps, batch)
    assert np.array_equal(np.concatenate(drawn, axis=1), alone), "step by step what one process has"
    assert len(orders[0]) - steps * batch < batch


@pytest.mark.parametrize(("batch", "rank", "world"), [(7, 0, 2), (0, 0, 1), (2, 0, 4), (4, 2, 2), (4, -1, 2)])
def test_steps_that_ranks_cannot_share(batch: int, rank: int, world: int) -> None:
    with pytest.raises(InputError, match="cannot be shared"):
        rank_places(100, batch, rank, world)


def test_an_epoch_is_the_same_in_another_process() -> None:
    source, factor = a_set([1.4] * 20, 10, 10)
    script = (
        "import sys, numpy as np\n"
        "from dataengine.mixing import MixRecipe, draw_epoch\n"
        f"source = np.array({source.tolist()!r}); factor = np.array({factor.tolist()!r})\n"
        "print(draw_epoch(source, factor, MixRecipe(1 / 3, 0.5, 3), 11).tolist())"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True, timeout=60)
    assert json.loads(done.stdout) == draw_epoch(source, factor, MixRecipe(1 / 3, 0.5, 3), 11).tolist()


@settings(deadline=None)  # other work on the machine must not fail it
@given(st.integers(1, 2000), st.fractions(0, 20, max_denominator=1000))
def test_any_ratio_is_exact_to_one_sample(n: int, ratio: Fraction) -> None:
    share = share_of(n, float(ratio))
    assert share == int(ratio * n + Fraction(1, 2))
    assert abs(share - ratio * n) <= Fraction(1, 2)


def test_the_order_is_shuffled() -> None:
    source, factor = a_set([1.0] * 300, 100, 0, seed=1)
    drawn = draw_epoch(source, factor, MixRecipe(1 / 3, 0, 0), 0)
    place = np.flatnonzero(source[drawn] == "synthetic")
    assert 150 < place.mean() < 250 and not np.array_equal(drawn, np.sort(drawn))


@pytest.mark.parametrize(
    ("n", "ratio", "expected"), [(300, 0.3333333333, 100), (301, 1 / 3, 100), (5, 0.5, 3), (10, 0.0, 0), (7, 2.0, 14)]
)
def test_decimals_are_read_as_fractions(n: int, ratio: float, expected: int) -> None:
    assert share_of(n, ratio) == expected


def test_a_recipe_survives_the_disk(tmp_path: Path) -> None:
    recipe = MixRecipe(0.3333333333, 0.5, 7)
    write_recipe(tmp_path / "recipe.json", recipe)
    assert read_recipe(tmp_path / "recipe.json") == recipe
    for text in ('{"seed": 1}', "[1, 2]", '{"synthetic_per_real": "x", "pseudo_per_real": 0, "seed": 0}', "{"):
        (tmp_path / "bad.json").write_text(text)
        with pytest.raises(InputError, match=r"bad\.json"):
            read_recipe(tmp_path / "bad.json")


@pytest.mark.parametrize("ratio", [-1.0, float("nan"), float("inf")])
def test_recipes_that_make_no_sense(ratio: float) -> None:
    with pytest.raises(ParamsError, match="synthetic_per_real"):
        MixRecipe(ratio, 0, 0)
    with pytest.raises(ParamsError, match="pseudo_per_real"):
        MixRecipe(0, ratio, 0)


@pytest.mark.parametrize(
    ("source", "factor", "epoch", "match"),
    [
        (["real"], [1.0, 1.0], 0, "repeat_factor"),
        (["real", "fake"], [1.0, 1.0], 0, "unknown source"),
        (["real"], [0.5], 0, "bad repeat factor"),
        (["real"], [float("nan")], 0, "bad repeat factor"),
        (["synthetic"], [1.0], 0, "no real samples"),
        (["real"], [1.0], -1, "bad epoch"),
        (["real", "real"], [1.0, 1.0], 0, "no synthetic samples"),
    ],
)
def test_inputs_that_cannot_be_drawn_from(source: list[str], factor: list[float], epoch: int, match: str) -> None:
    with pytest.raises(InputError, match=match):
        draw_epoch(np.array(source), np.array(factor), MixRecipe(1, 0, 0), epoch)


def test_one_source_alone() -> None:
    """Real people by their factors, others each once an epoch and in an order of its own every time."""
    source = np.array(["real"] * 4 + ["synthetic"] * 6 + ["pseudo"] * 3)
    factor = np.where(source == "real", 1.5, 1.0)
    for only, rows in (("synthetic", range(4, 10)), ("pseudo", range(10, 13))):
        recipe = MixRecipe(1 / 3, 0.5, 2, only)  # type: ignore[arg-type]
        orders = [draw_epoch(source, factor, recipe, epoch).tolist() for epoch in range(4)]
        assert all(sorted(order) == list(rows) for order in orders)
        assert len({tuple(order) for order in orders}) > 1
    drawn = draw_epoch(source, factor, MixRecipe(1 / 3, 0.5, 2, "real"), 0)
    assert len(drawn) == 6 and (drawn < 4).all()


def test_one_source_alone_has_to_be_there() -> None:
    source, factor = np.array(["synthetic"] * 2), np.ones(2)
    assert sorted(draw_epoch(source, factor, MixRecipe(1, 0, 0, "synthetic"), 5)) == [0, 1]  # nobody real is needed
    for only, match in (("pseudo", "no pseudo samples to draw"), ("real", "no real samples")):
        with pytest.raises(InputError, match=match):
            draw_epoch(source, factor, MixRecipe(1, 0, 0, only), 0)  # type: ignore[arg-type]
    with pytest.raises(ParamsError, match="only: expected"):
        MixRecipe(1, 0, 0, "drawn")  # type: ignore[arg-type]


def test_recipes_of_before_read_as_all_sources(tmp_path: Path) -> None:
    (tmp_path / "old.json").write_text('{"synthetic_per_real": 0.5, "pseudo_per_real": 0.0, "seed": 3}')
    assert read_recipe(tmp_path / "old.json") == MixRecipe(0.5, 0.0, 3)
    write_recipe(tmp_path / "only.json", MixRecipe(0.5, 0.0, 3, "synthetic"))
    assert read_recipe(tmp_path / "only.json").only == "synthetic"


@given(
    new=st.integers(0, 400),
    share=st.fractions(0, Fraction(9, 10), max_denominator=20),
    length=st.integers(1, 30),
    seed=st.integers(0, 9),
)
def test_replay_is_its_share_and_goes_round_in_the_old_order(new: int, share: Fraction, length: int, seed: int) -> None:
    def draw_old(epoch: int) -> np.ndarray:
        return 1000 + np.random.default_rng([seed, epoch]).permutation(length)

    rows = np.arange(new)
    drawn = [with_replay(rows, draw_old, float(share), seed, epoch) for epoch in range(3)]
    for order in drawn:
        assert sorted(order[order < 1000]) == rows.tolist()
        old = len(order) - new
        assert abs(old - share * (new + old)) <= Fraction(1, 2)  # no other whole number comes nearer
    seen = np.bincount(np.concatenate(drawn)[np.concatenate(drawn) >= 1000] - 1000, minlength=length)
    assert seen.max() - seen.min() <= 1
    again = with_replay(rows, draw_old, float(share), seed, 2)
    np.testing.assert_array_equal(again, drawn[2])
