"""Command `compare-recipes`: which training recipe is best for how many real labels, measured by `dvc exp`.

Every fit is an experiment of DVC in a folder of its own, so the checkout stays as it is. In `studies/recipes/`,
`plan.py` lists the runs, `runner.py` runs them, `score.py` scores them, `report.py` says what was found.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer

from dataengine.errors import InputError
from dataengine.files import read_json
from dataengine.studies.settings import parse_seeds, parse_settings, section_of

from .studies.recipes.plan import OWNED, PRETRAIN_MIX, RECIPES, RecipePlan
from .studies.recipes.runner import RecipeStudy

HELD_OUT_MARGIN = 1.2  # validation and test get so many times the images asked for: shares by hash are not exact


def command(
    annotations: Annotated[Path, typer.Option(help="COCO JSON of your labelled people.")],
    images: Annotated[Path, typer.Option(help="Folder that its file names are relative to.")],
    report: Annotated[Path, typer.Option(help="Folder for the page, the plot, each run; read again to go on.")],
    labels: Annotated[list[int] | None, typer.Option(help="Real training images; repeat it. [200, 800]")] = None,
    once: Annotated[list[int] | None, typer.Option(help="A further number of them, with the first seed only.")] = None,
    seed: Annotated[list[int] | None, typer.Option(help="Repeat it; intervals need two or more. [0, 1, 2]")] = None,
    recipe: Annotated[list[str] | None, typer.Option(help=f"One of {', '.join(RECIPES)}; repeat it. [all]")] = None,
    rendered: Annotated[
        list[int] | None, typer.Option(help="Rendered images to learn from alone, for a curve; repeat it.")
    ] = None,
    people: Annotated[int, typer.Option(help="People that every run sees, in all epochs together.")] = 20_000,
    epochs: Annotated[int, typer.Option(help="Of each run; even, because pretrain-mix halves them.")] = 4,
    test_images: Annotated[int, typer.Option(help="Test images, by hash; no recipe learns from them.")] = 500,
    setting: Annotated[list[str] | None, typer.Option("--set", help="A param of all runs, section.key=value.")] = None,
) -> None:
    """Compare training recipes at several numbers of real labels, each with the same number of people seen.

    Recipes: real people only; rendered people only; both, 1 : 3; the same with rare poses repeated; rendered people
    first and then both. PCK@0.2, OKS AP and the AP of rare poses are measured on test images that are the same for all.
    Rendered people are those of this checkout: set render.images in params.yaml and run `dvc repro render` before.
    Stopped, the same command goes on, and REPORT/recipes.md tells what is known so far. A run is an experiment of DVC,
    named by recipe, labels, seed and a mark of all that decides its result.

    Example: dataengine compare-recipes --annotations mine/people.json --images mine/images --labels 200 --labels 800 --seed 0 --seed 1 --seed 2 --rendered 300 --report reports/compare-recipes
    """  # noqa: E501  an example is one line to copy
    plan = parse_recipe_plan(
        recipes=recipe or list(RECIPES),
        labels=labels or [200, 800],
        once=once or [],
        seeds=seed or [0, 1, 2],
        rendered=rendered or [],
        people=people,
        epochs=epochs,
        settings=setting or [],
        held_out_share=_held_out_share(annotations, test_images),
    )
    run(plan, annotations=annotations, images=images, test_images=test_images, report=report)


def parse_recipe_plan(
    *,
    recipes: Sequence[str],
    labels: Sequence[int],
    once: Sequence[int],
    seeds: Sequence[int],
    rendered: Sequence[int],
    people: int,
    epochs: int,
    settings: Sequence[str],
    held_out_share: float,
) -> RecipePlan:
    """Validation and test each get `held_out_share` of the images, unless `settings` say otherwise.

    Raises InputError for what makes no study.
    """
    unknown = sorted(set(recipes) - set(RECIPES))
    if unknown:
        raise InputError("--recipe is unknown", expected=" | ".join(RECIPES), got=unknown[0])
    for name, values in (("--labels", [*labels, *once]), ("--rendered", rendered), ("--people", [people])):
        if min(values, default=1) < 1:
            raise InputError(f"{name} is too small", expected="1 or more", got=str(min(values)))
    if epochs < 1 or people % epochs or (epochs % 2 and PRETRAIN_MIX in recipes):
        expected = "a divisor of --people" + (", even for pretrain-mix" if PRETRAIN_MIX in recipes else "")
        raise InputError("--epochs does not fit", expected=expected, got=f"{epochs} epochs of {people} people")
    further = _parse_further(settings)
    shares = {f"ingest.split.{split}_share": f"{held_out_share:.4f}" for split in ("val", "test")}
    return RecipePlan(
        recipes=tuple(name for name in RECIPES if name in recipes),
        labels=tuple(sorted(set(labels))),
        once=tuple(sorted(set(once) - set(labels))),
        seeds=parse_seeds(seeds),
        rendered=tuple(sorted(set(rendered))),
        people=people,
        epochs=epochs,
        settings=further,
        held_out={key: value for key, value in shares.items() if key not in further},
    )


def run(plan: RecipePlan, *, annotations: Path, images: Path, test_images: int, report: Path) -> None:
    """Run and score what is missing. Raises: see `Study.run`; InputError for too few training or test images."""
    RecipeStudy(given=plan, annotations=annotations, images=images, test_images=test_images, report=report).run()


def _parse_further(settings: Sequence[str]) -> dict[str, str]:
    further = parse_settings(settings, OWNED)
    rendered = [key for key in further if section_of(key) in ("fetch", "render")]
    if rendered:
        fix = "set it in params.yaml and run `dvc repro render`: all runs take the checkout's rendered people over"
        raise InputError("--set cannot change rendered people", got=rendered[0], fix=fix)
    return further


def _held_out_share(annotations: Path, wanted: int) -> float:
    """The share of all images that makes `wanted` ones or a few more."""
    document = read_json(annotations)
    count = len(document["images"]) if isinstance(document, dict) and document.get("images") else 0
    share = math.ceil(1e4 * HELD_OUT_MARGIN * wanted / max(count, 1)) / 1e4
    if wanted < 1 or share >= 0.45:
        fix = "lower --test-images"
        raise InputError("too few images to hold out", expected=f"{wanted}, twice", got=f"{count}", fix=fix)
    return share
