"""Params that have nothing to work on: one line each, and none where they have."""

from dataclasses import replace

import numpy as np
import pytest

from dataengine.errors import ParamsError
from dataengine.mixing import MixRecipe
from dataengine.people import Images
from dataengine.train.fit.learnt_from.curriculum import Phase
from dataengine.train.fit.learnt_from.training_set import Mix, TrainingSet
from dataengine.train.fit.without_effect import say_without_effect

from ...helpers.fitting_project import TINY
from ...helpers.pose_samples import crowd


def of_sources(sources: list[str], repeats: list[float]) -> TrainingSet:
    people = crowd((len(sources),)).replace(source=np.array(sources, dtype="<U9"))
    recipe = MixRecipe(0.5, 0.0, seed=0)
    mix = Mix(people.source, np.ones(len(sources)), recipe, np.array(repeats))
    return TrainingSet(people, Images.build(id=[], path=[], width=[], height=[]), mix)


ASKED = replace(
    TINY,
    augment=replace(TINY.augment, pasted_share=0.2),
    epochs=2,
    people_per_epoch=8,
    curriculum=(Phase(1, augment={"background_share": 0.5}), Phase(1, rare_draws=(0.0, 2.0))),
)


def test_what_has_nothing_to_work_on_is_said_once_each(capsys: pytest.CaptureFixture[str]) -> None:
    say_without_effect("fit-student", ASKED, of_sources(["real", "pseudo"], [1.0, 1.0]))
    lines = capsys.readouterr().err.splitlines()
    assert [line.split(" changes nothing")[0] for line in lines] == [
        "fit-student: augment.background_share",
        "fit-student: augment.pasted_share",
        "fit-student: rare_draws",
    ]
    for params, training in (
        (ASKED, of_sources(["real", "synthetic"], [1.0, 2.0])),
        (TINY, of_sources(["real"], [1.0])),
    ):
        say_without_effect("fit-student", params, training)
        assert capsys.readouterr().err == ""


def test_the_first_phase_goes_on_from_none() -> None:
    with pytest.raises(ParamsError, match="goes_on of the first phase: expected false"):
        replace(ASKED, curriculum=(Phase(1, goes_on=True), Phase(1)))
