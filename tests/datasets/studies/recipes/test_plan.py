"""What the study of recipes runs: the order of the runs, their params and their names."""

import subprocess
from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from dataengine.datasets.studies.recipes.plan import OWNED, PRETRAIN, RECIPES, RecipeRun, run_name

from ....helpers.dvc_checkout import assert_known_params
from .example_plan import PLAN


def test_runs_go_seed_by_seed_and_share_what_needs_no_labels() -> None:
    runs = PLAN.runs()
    assert len(runs) == len(set(runs)) == 3 * (2 + 7 * 2 + 2) + 7
    assert [run.seed for run in runs[:-7]] == [0] * 18 + [1] * 18 + [2] * 18
    assert {run.labels for run in runs[-7:]} == {3200} and {run.seed for run in runs[-7:]} == {0}
    pretrained = {PLAN.start_of(run) for run in runs if run.recipe in ("pretrain-mix", "pretrain-real")}
    assert pretrained == {RecipeRun(PRETRAIN, 0, seed) for seed in (0, 1, 2)}
    for place, one in enumerate(runs):
        start = PLAN.start_of(one)
        assert start is None or start in runs[:place]


def test_every_run_sees_as_many_people() -> None:
    for one in PLAN.runs():
        parts = [one, start] if (start := PLAN.start_of(one)) else [one]
        params_of_runs = [PLAN.params_of(part) for part in parts]
        seen = sum(int(p["fit-teacher.epochs"]) * int(p["fit-teacher.people_per_epoch"]) for p in params_of_runs)
        assert seen == (10_000 if one.recipe == PRETRAIN else 20_000)
        assert all(p["fit-teacher.patience"] == "0" and p["fit-teacher.batch"] == "16" for p in params_of_runs)


def test_runs_may_end_when_validation_stops_improving() -> None:
    patient = replace(PLAN, patience=3)
    params = patient.params_of(RecipeRun("real", 200, 0))
    assert (params["fit-teacher.patience"], params["fit-teacher.ship"]) == ("3", "best")
    assert PLAN.params_of(RecipeRun("real", 200, 0))["fit-teacher.ship"] == "last"


def test_recipes_as_params() -> None:
    by_recipe = {recipe: PLAN.params_of(RecipeRun(recipe, 200, 1)) for recipe in RECIPES}
    ratio = {recipe: p.get("mix.synthetic_per_real") for recipe, p in by_recipe.items()}
    assert ratio == dict(zip(RECIPES, ["0.0", None, *["0.3333333333"] * 3, "0.0", "0.3333333333", "0.0"], strict=True))
    assert {recipe for recipe, p in by_recipe.items() if p.get("balance.max_repeat") == "1.0"} == {
        "real", "mix", "pretrain-mix", "pretrain-real", "starter-mix", "starter-real"
    }  # fmt: skip
    begun = {recipe for recipe, p in by_recipe.items() if p["fit-teacher.start_from"] == "starter"}
    assert begun == {"starter-mix", "starter-real"}
    assert by_recipe["synthetic"]["fit-teacher.only"] == "synthetic" and by_recipe["mix"]["fit-teacher.only"] == "null"
    assert PLAN.params_of(RecipeRun("synthetic", 0, 1))["ingest.split.train_images"] == "null"
    assert PLAN.params_of(RecipeRun("synthetic", 0, 1, 300))["mix.synthetic_images"] == "300"
    assert by_recipe["real"]["ingest.split.train_images"] == "200" and by_recipe["real"]["mix.seed"] == "1"
    assert_known_params({key for p in by_recipe.values() for key in p} | OWNED)


@given(st.sampled_from(PLAN.runs()), st.sampled_from(PLAN.runs()))
def test_names_tell_runs_apart(one: RecipeRun, other: RecipeRun) -> None:
    names = [run_name(each, [PLAN.params_of(each)]) for each in (one, other)]
    assert (names[0] == names[1]) == (one == other)
    assert subprocess.run(["git", "check-ref-format", f"refs/exps/ab/{names[0]}"]).returncode == 0


def test_a_curriculum_of_ones_own_is_one_fit_in_phases() -> None:
    phases = '[{epochs:2,only:"synthetic"},{epochs:2,only:"real",rare_draws:[0, 2]}]'
    plan = replace(PLAN, recipes=("real",), rendered=(), curricula={"slow": phases, "starter-slow": phases})
    runs = plan.runs()
    assert [run.recipe for run in runs[:3]] == ["real", "slow", "starter-slow"]
    slow, begun = (plan.params_of(RecipeRun(name, 200, 1)) for name in ("slow", "starter-slow"))
    assert slow["fit-teacher.curriculum"] == begun["fit-teacher.curriculum"] == phases
    assert (slow["fit-teacher.start_from"], begun["fit-teacher.start_from"]) == ("null", "starter")
    assert slow["fit-teacher.epochs"] == "4" and plan.start_of(RecipeRun("slow", 200, 1)) is None
    assert "fit-teacher.curriculum" not in plan.params_of(RecipeRun("real", 200, 1))
