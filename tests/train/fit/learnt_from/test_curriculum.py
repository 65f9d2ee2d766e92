"""A fit in phases: what each draws, how its rates rise and fall, and that a stop between them changes nothing."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from safetensors.torch import load_file

from dataengine.coco_json import write_people
from dataengine.crops.training.augment import AugmentParams
from dataengine.errors import InputError, ParamsError
from dataengine.labelled_set import joined
from dataengine.mixing import MixRecipe, write_recipe
from dataengine.nets.checkpoint import WEIGHTS_NAME
from dataengine.train.fit import loop
from dataengine.train.fit.learnt_from.curriculum import Phase, place_at, rate_span
from dataengine.train.fit.learnt_from.reading import read_training_set
from dataengine.train.fit.learnt_from.training_set import Mix, TrainingSet, drawn_images
from dataengine.train.fit.params import FitParams
from dataengine.train.fit.run import Run
from dataengine.train.fit.schedule import learning_rate, rate_in_phase
from dataengine.train.fit.start import model_meta
from dataengine.train.fit.steps.ranks import Ranks

from ....helpers.drawn_people import draw_people_at
from ....helpers.fitting_project import TINY, fit_here, one_torch_thread, write_project

RENDERED_FIRST = (Phase(1, only="synthetic"), Phase(2, only="real", learning_rate=0.001, layer_decay=0.5))
REAL_VALIDATE = loop._validate
PHASED = replace(TINY, epochs=3, people_per_epoch=8, curriculum=RENDERED_FIRST)


@pytest.fixture(autouse=True)
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Eight real people, and four rendered ones in the same mix."""
    monkeypatch.chdir(tmp_path)
    write_project()
    real, images = draw_people_at(Path("images"), 8, seed=0)
    rendered, more = draw_people_at(Path("rendered"), 4, seed=5)
    rendered = rendered.replace(source=np.full(4, "synthetic", dtype=rendered.source.dtype))
    people, table = joined([(real, images), (rendered, more)])
    write_people(Path("mix/train.json"), people.with_extra("repeat_factor", np.ones(12)), table)
    write_recipe(Path("mix/recipe.json"), MixRecipe(0.5, 0.0, 1))
    with one_torch_thread():
        yield


def sources(params: FitParams, epoch: int) -> set[str]:
    training = read_training_set(Path("mix"), None, 0.0, curriculum=params.curriculum)
    return set(training.people.source[training.order(epoch, 1, params.people_per_epoch)].tolist())


def test_a_phase_that_goes_on_has_no_rate_of_its_own() -> None:
    assert Phase(1, goes_on=True).learning_rate is None
    with pytest.raises(ParamsError, match="learning_rate of a phase that goes on"):
        Phase(1, goes_on=True, learning_rate=0.001)


def test_each_phase_draws_its_own_people() -> None:
    assert [sources(PHASED, epoch) for epoch in range(3)] == [{"synthetic"}, {"real"}, {"real"}]
    mixed = replace(PHASED, curriculum=(Phase(1, only="real"), Phase(2, synthetic_per_real=1.0)))
    assert [sources(mixed, epoch) for epoch in (0, 1)] == [{"real"}, {"real", "synthetic"}]
    real_alone = replace(PHASED, curriculum=(Phase(3, only="real"),))
    training = read_training_set(Path("mix"), None, 0.0, curriculum=real_alone.curriculum)
    assert all("rendered" not in path for path in drawn_images(training).path.tolist()), "they are not learnt from"
    both = read_training_set(Path("mix"), None, 0.0, curriculum=RENDERED_FIRST)
    assert len(drawn_images(both)) == 12


def test_a_phase_that_names_a_ratio_draws_by_ratios() -> None:
    mix = MixRecipe(0.5, 0.0, 1, only="real")
    assert Phase(1).recipe(mix) == mix
    assert Phase(1, synthetic_per_real=2.0).recipe(mix) == MixRecipe(2.0, 0.0, 1)
    assert Phase(1, only="synthetic").recipe(mix).only == "synthetic"


@given(st.lists(st.integers(1, 5), min_size=1, max_size=4), st.integers(1, 7))
def test_every_phase_has_a_schedule_of_its_own(lengths: list[int], steps_per_epoch: int) -> None:
    phases = tuple(Phase(length, learning_rate=0.001 * (place + 1)) for place, length in enumerate(lengths))
    params = replace(TINY, epochs=sum(lengths), people_per_epoch=8, curriculum=phases)
    rates = [
        rate_in_phase(params, epoch, epoch * steps_per_epoch + step, steps_per_epoch)
        for epoch in range(params.epochs)
        for step in range(steps_per_epoch)
    ]
    expected = [
        learning_rate(replace(TINY, learning_rate=phase.learning_rate or 0), step, phase.epochs * steps_per_epoch)
        for phase in phases
        for step in range(phase.epochs * steps_per_epoch)
    ]
    assert rates == expected
    assert [place_at(phases, epoch).number for epoch in range(params.epochs)] == [
        number for number, length in enumerate(lengths) for _ in range(length)
    ]


def test_rates_by_depth_change_with_the_phase() -> None:
    training = read_training_set(Path("mix"), None, 0.0, curriculum=PHASED.curriculum)
    run = Run(PHASED, model_meta(PHASED), training, Ranks.of_environment(torch.device("cpu")), precision="fp32")
    learner = run.stepper.learner
    rates = []
    for phase in (0, 1):
        learner.enter_phase(phase)
        learner.set_rates(1.0, 0.9)
        rates.append([group["lr"] for group in learner.optimizer.param_groups])
    assert set(rates[0]) == {1.0}
    assert max(rates[1]) == 1.0 and min(rates[1]) == 0.5**3, "the stem lies three stages below the head"


def test_stopped_between_and_within_phases_and_resumed_is_bit_identical(monkeypatch: pytest.MonkeyPatch) -> None:
    fit_here(PHASED, "models/whole")
    for stop in (1, 2):
        seen = 0

        def validate_and_stop(*args: Any, stop: int = stop) -> dict[str, float]:
            nonlocal seen
            seen += 1
            if seen > stop:
                raise KeyboardInterrupt
            return REAL_VALIDATE(*args)

        with monkeypatch.context() as patched:
            patched.setattr(loop, "_validate", validate_and_stop)
            with pytest.raises(KeyboardInterrupt):
                fit_here(PHASED, f"models/stopped{stop}")
        fit_here(PHASED, f"models/stopped{stop}")
        whole, resumed = (load_file(Path(f"models/{name}") / WEIGHTS_NAME) for name in ("whole", f"stopped{stop}"))
        assert all(torch.equal(whole[name], resumed[name]) for name in whole)


def test_phases_that_make_no_fit() -> None:
    with pytest.raises(ParamsError, match="curriculum: expected 4 epochs"):
        replace(PHASED, epochs=4)
    with pytest.raises(ParamsError, match="curriculum without people_per_epoch"):
        replace(PHASED, people_per_epoch=None)
    with pytest.raises(ParamsError, match="layer_decay of a phase"):
        Phase(1, layer_decay=0.0)
    with pytest.raises(ParamsError, match="epochs of a phase"):
        Phase(0)
    none = replace(PHASED, curriculum=(Phase(3, only="pseudo"),))
    with pytest.raises(InputError, match="no pseudo samples"):
        fit_here(none)


def rare_mix(rare_draws: tuple[float, float] | None, only: Any = None) -> TrainingSet:
    """Real and rendered people, the last two of each in poses that balance would repeat three times."""
    people, images = draw_people_at(Path("rare"), 24, seed=1)
    source = np.array(["real"] * 12 + ["synthetic"] * 12)
    repeats = np.ones(24)
    repeats[[10, 11, 22, 23]] = 3.0
    recipe = MixRecipe(1.0, 0.0, 7)
    phases = (Phase(3, only=only, rare_draws=rare_draws), Phase(1))
    return TrainingSet(people, images, Mix(source, np.ones(24), recipe, repeats), curriculum=phases)


def rare_share(training: TrainingSet, epoch: int) -> float:
    rows = training.order(epoch, 1, 2000)
    return float(np.isin(rows, [10, 11, 22, 23]).mean())


@pytest.mark.parametrize("only", [None, "real", "synthetic"])
def test_rare_people_are_drawn_more_and_more_over_a_phase(only: Any) -> None:
    training = rare_mix((0.0, 2.0), only)
    shares = [rare_share(training, epoch) for epoch in range(4)]
    expected = [2 * factor / (10 + 2 * factor) for factor in (1, 3, 5)]
    np.testing.assert_allclose(shares[:3], expected, atol=0.01)
    assert shares[3] == pytest.approx(2 / 12, abs=0.01), "a phase that says nothing draws all alike"


def test_without_a_rise_draws_are_what_they_were() -> None:
    plain, flat = rare_mix(None), rare_mix((0.0, 0.0))
    for epoch in range(4):
        np.testing.assert_array_equal(plain.order(epoch, 1, 50), flat.order(epoch, 1, 50))


def test_everybody_rendered_still_gets_their_turn() -> None:
    rows = rare_mix((1.0, 1.0), "synthetic").order(0, 1, 16)
    assert np.bincount(rows, minlength=24)[12:].tolist() == [1] * 10 + [3, 3]


@pytest.mark.parametrize("value", [(-1.0, 1.0), (0.0, float("inf")), (float("nan"), 1.0)])
def test_a_rise_has_two_numbers(value: tuple[float, float]) -> None:
    with pytest.raises(ParamsError, match="rare_draws"):
        Phase(2, rare_draws=value)


def test_a_phase_that_goes_on_shares_the_fall_of_the_rate() -> None:
    """Against a fit of one phase; and a later phase begins again at the bottom."""
    whole = replace(TINY, epochs=3, people_per_epoch=8)
    staged = replace(whole, curriculum=(Phase(2), Phase(1, augment={"shift": 0.0}, goes_on=True)))
    rates = [[rate_in_phase(p, step // 5, step, 5) for step in range(15)] for p in (whole, staged)]
    assert rates[0] == rates[1]
    three = (Phase(1), Phase(2, goes_on=True), Phase(1), Phase(1, goes_on=True))
    assert [rate_span(three, epoch)[1:] for epoch in range(5)] == [(0, 3)] * 3 + [(3, 2)] * 2


def test_a_phase_augments_in_its_own_way() -> None:
    curriculum = (Phase(2), Phase(1, augment={"rotation_share": 0.0, "shift": 0.0}))
    params = replace(TINY, epochs=3, people_per_epoch=8, curriculum=curriculum)
    first, last = params.augments
    assert first == TINY.augment and last == replace(TINY.augment, rotation_share=0.0, shift=0.0)
    seen = []
    training = read_training_set(Path("mix"), None, 0.0, curriculum=curriculum)
    run = Run(params, model_meta(params), training, Ranks.of_environment(torch.device("cpu")), precision="fp32")
    used = run.samples.use

    def noted(augment: AugmentParams) -> None:
        seen.append(augment)
        used(augment)

    run.samples.use = noted  # type: ignore[method-assign]
    for epoch in range(3):
        run.epoch(iter(range(epoch * run.steps_per_epoch, (epoch + 1) * run.steps_per_epoch)))
        run.note({"val_oks_ap": 0.0})
    assert seen == [first, first, last]
    with pytest.raises(ParamsError, match=r"augment of a phase: expected .*, got blur"):
        replace(params, curriculum=(Phase(3, augment={"blur": 1.0}),))
    with pytest.raises(ParamsError, match="shift"):
        replace(params, curriculum=(Phase(3, augment={"shift": -1.0}),))
