"""What the study of recipes says of made-up outcomes."""

from dataclasses import replace
from pathlib import Path

import cv2
import pytest
import scipy.stats

from dataengine.datasets.studies.recipes.plan import PRETRAIN, RECIPES, RecipeRun
from dataengine.datasets.studies.recipes.report import (
    Cell,
    RecipeOutcome,
    RecipeTable,
    StudyFacts,
    recipe_page,
    write_recipe_report,
)
from dataengine.datasets.studies.recipes.score import Score
from dataengine.studies.page import MISSING
from dataengine.studies.seed_spread import half_widths

from .example_plan import PLAN

FACTS = StudyFacts(
    command="dataengine compare-recipes",
    people=20_000,
    epochs=4,
    patience=0,
    rendered=3000,
    training_images=4000,
    validation_images=600,
    test_images=500,
    test_people=500,
    rare_people=70,
    oks_sigmas="COCO",
)


def outcomes(runs: list[RecipeRun]) -> dict[RecipeRun, RecipeOutcome]:
    """AP and PCK that rise with labels and with the place of the recipe; seeds lie 0.01 apart."""
    places = [*RECIPES, PRETRAIN]
    return {
        one: RecipeOutcome(Score(0.4 + ap, ap, ap / 2 if one.seed else None), 100.0 + one.seed, one.labels)
        for one in runs
        for ap in [0.1 + 0.05 * places.index(one.recipe) + one.labels / 1e4 + 0.01 * one.seed]
    }


def page_of(table: RecipeTable) -> str:
    return "\n".join(recipe_page(FACTS, table))


def test_the_page_tells_means_ratios_and_verdicts() -> None:
    runs = PLAN.runs()
    text = page_of(RecipeTable(runs, outcomes(runs)))
    assert "Unfinished" not in text and "missing" not in text and "nan" not in text
    (row,) = [line for line in text.splitlines() if line.startswith("| 200 | mix |")]
    widths = half_widths([[0.22, 0.23, 0.24]] * 7)  # pooled over seven recipes
    assert f"0.630 ± {widths[0]:.3f} | 0.230 ± {widths[0]:.3f}" in row and row.endswith("| 101 | 3 |")
    assert "200 real images: highest AP 0.480, starter-real, 3.69 times the 0.130 of real people only (+0.350" in text
    assert ": a clear difference)" in text and "3200 real images" in text and "a single seed" in text
    (halves,) = [line for line in text.splitlines() if line.startswith("| 800 | pretrain-mix |")]
    assert "| 202 |" in halves, "both halves"


def test_a_ratio_of_small_figures_is_not_shown() -> None:
    runs = PLAN.runs()
    small = {
        one: replace(outcome, score=replace(outcome.score, oks_ap=outcome.score.oks_ap - 0.1))
        for one, outcome in outcomes(runs).items()
    }
    text = page_of(RecipeTable(runs, small))
    assert "200 real images: highest AP 0.380, starter-real, against the 0.030 of real people only (+0.350" in text
    assert "200 real images: highest AP 0.380, starter-real, 12" not in text


def test_the_page_of_an_unfinished_study() -> None:
    runs = PLAN.runs()
    text = page_of(RecipeTable(runs, outcomes(runs[:4])))
    assert "**Unfinished: 4 of 61 fits are known.**" in text and "nan" not in text
    assert "| 800 | real | missing | missing | missing | missing | 0 of 3 |" in text
    assert "800 real images: real people only is missing." in text


@pytest.mark.parametrize("number", [0, 4, 61])
def test_the_plot_of_a_study_however_far_it_is(tmp_path: Path, number: int) -> None:
    runs = PLAN.runs()
    write_recipe_report(tmp_path, FACTS, runs, outcomes(runs[:number]))
    assert cv2.imread(str(tmp_path / "recipes.png")) is not None


def test_the_best_is_not_clearly_better_within_the_spread() -> None:
    runs = [RecipeRun(recipe, 10, seed) for recipe in ("real", "mix") for seed in (0, 1, 2)]
    ap = {"real": (0.1, 0.3, 0.2), "mix": (0.15, 0.33, 0.21)}
    known = {one: RecipeOutcome(Score(0.5, ap[one.recipe][one.seed], None), None, 10) for one in runs}
    table = RecipeTable(runs, known)
    assert scipy.stats.ttest_ind(ap["real"], ap["mix"]).pvalue > 0.05
    text = page_of(table)
    assert "no clear difference" in text and "| none |" in text
    assert table.means("AP")[Cell(10, "mix")].mean == pytest.approx(0.23)
    assert table.seconds(Cell(10, "mix")) == MISSING


def test_the_page_of_equal_time_says_how_many_people_each_recipe_saw(tmp_path: Path) -> None:
    phases = "[{epochs:2,only:synthetic},{epochs:2}]"
    plan = replace(
        PLAN, recipes=("real",), curricula={"slow": phases}, seconds=90.0, labels=(200,), once=(), rendered=()
    )
    runs = plan.runs()
    found = {run: RecipeOutcome(Score(0.5, 0.2, None), 88.0, 200) for run in runs}
    seen = {run: 4000 if run.recipe == "slow" else 3000 for run in runs}
    write_recipe_report(tmp_path, replace(FACTS, seconds=90.0, people_in=seen, curricula=plan.curricula), runs, found)
    page = (tmp_path / "recipes.md").read_text()
    assert "90 seconds" in page and "itself: real 3000, slow 4000" in " ".join(page.split())
    assert f"- **slow**: one fit in phases: `{phases}`" in page and "| 200 | slow | 0.500" in page
