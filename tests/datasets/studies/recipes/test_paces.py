"""Equal time: how many people a second each recipe is fitted with, measured once and kept."""

from dataclasses import replace
from pathlib import Path

import pytest

from dataengine.datasets.studies.recipes.paces import Paces
from dataengine.datasets.studies.recipes.plan import PRETRAIN, RecipeRun
from dataengine.errors import InputError

from .example_plan import PLAN


def test_a_pace_is_measured_once_and_kept(tmp_path: Path) -> None:
    asked: list[str] = []

    def measure(recipe: str) -> float:
        asked.append(recipe)
        return {"real": 100.0, "synthetic": 250.0}[recipe]

    paces = Paces(tmp_path / "paces.json", measure, str)
    runs = [
        RecipeRun("real", 200, 0),
        RecipeRun("real", 800, 1),
        RecipeRun(PRETRAIN, 0, 0),
        RecipeRun("pretrain-real", 9, 0),
    ]
    assert [paces.of(run) for run in runs] == [100.0, 100.0, 250.0, 100.0]
    assert [Paces(tmp_path / "paces.json", lambda _: 1.0, str).of(run) for run in runs] == [100.0, 100.0, 250.0, 100.0]
    assert asked == ["real", "synthetic"]
    changed = Paces(tmp_path / "paces.json", lambda _: 40.0, "other params {}".format)
    assert [changed.of(runs[0]), paces.of(runs[0])] == [40.0, 100.0]


def test_a_fit_that_reports_no_rate_is_one_line(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="the pace of real is unknown"):
        Paces(tmp_path / "paces.json", lambda _: 0.0, str).of(RecipeRun("real", 200, 0))
    assert not (tmp_path / "paces.json").exists()


def test_both_halves_together_take_the_time_of_a_whole_run() -> None:
    plan = replace(PLAN, seconds=120.0)
    for recipe, pace in (("real", 100.0), (PRETRAIN, 250.0), ("pretrain-real", 100.0)):
        run = RecipeRun(recipe, 200, 0)
        params = plan.params_of(run, plan.people_at(pace))
        people = int(params["fit-teacher.people_per_epoch"]) * int(params["fit-teacher.epochs"])
        assert people / pace == pytest.approx(60.0 if recipe != "real" else 120.0)
    assert plan.people_at(1e-9) == 1
