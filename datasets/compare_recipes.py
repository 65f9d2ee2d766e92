"""Command `compare-recipes`: which training recipe is best for how many real labels, measured by `dvc exp`.

Every fit is an experiment of DVC in a folder of its own, so the checkout stays as it is. In `studies/recipes/`,
`plan.py` lists the runs, `runner.py` runs them, `score.py` scores them, `report.py` writes up what was found.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any

import typer

from dataengine.errors import InputError
from dataengine.files import read_json
from dataengine.params import load_document, parse_value
from dataengine.studies.sections import check_settings
from dataengine.studies.settings import parse_seeds, parse_settings, section_of
from dataengine.terminal.folders import folder_option, out_folder_option
from dataengine.terminal.options import PARAMS_FILE

from .studies.recipes.plan import HALVED, OWNED, PRETRAIN, RECIPES, STAGE, RecipePlan
from .studies.recipes.runner import RecipeStudy

HELD_OUT_MARGIN = 1.2  # validation and test get this many times the images asked for: shares by hash are not exact
_NAME = re.compile(r"[a-z][a-z0-9-]*")
LARGEST_HELD_OUT_SHARE = 0.45  # of validation and of test, so that a tenth is left for training


def command(
    annotations: Annotated[Path, typer.Option(help="COCO JSON of your labelled people.")],
    images: Annotated[Path, folder_option(help="Folder that its image names are relative to.")],
    report: Annotated[Path, out_folder_option(help="Folder for the page, the plot and each run; read again to go on.")],
    labels: Annotated[
        list[int] | None, typer.Option(help="Number of real training images; repeat it.", show_default="200 and 800")
    ] = None,
    once: Annotated[
        list[int] | None, typer.Option(help="A further number of real images, for the first seed only; repeat it.")
    ] = None,
    seed: Annotated[
        list[int] | None, typer.Option(help="Seed; repeat it, intervals need two or more.", show_default="0, 1 and 2")
    ] = None,
    recipe: Annotated[
        list[str] | None, typer.Option(help=f"Recipe, {' | '.join(RECIPES)}; repeat it.", show_default="all")
    ] = None,
    rendered: Annotated[
        list[int] | None, typer.Option(help="Number of rendered images to learn from alone, for a curve; repeat it.")
    ] = None,
    curriculum: Annotated[
        list[str] | None,
        typer.Option(
            help="A recipe of your own, NAME=PHASES, in one fit; from the starter if NAME begins so; repeat it."
        ),
    ] = None,
    people: Annotated[int, typer.Option(help="People that every run sees, in all epochs together.")] = 20_000,
    seconds: Annotated[
        float,
        typer.Option(help="Instead of --people: time of fitting that every run gets; 0: equal numbers of people."),
    ] = 0.0,
    epochs: Annotated[int, typer.Option(help="Epochs of each run; even, because two recipes halve them.")] = 4,
    patience: Annotated[
        int, typer.Option(help="Epochs without a better validation AP that end a run; 0: equal numbers of people.")
    ] = 0,
    test_images: Annotated[int, typer.Option(help="Test images, chosen by hash; no recipe learns from them.")] = 500,
    setting: Annotated[
        list[str] | None, typer.Option("--set", help="Param for all runs, section.key=value; repeat it.")
    ] = None,
) -> None:
    """Compare training recipes at several numbers of real labels: by people seen, by time, or until validation stops.

    Recipes: real people only; rendered people only; both, 1 : 3; the same with rare poses repeated; rendered people
    first and then both, or then real people; and both or real people from the starter, which has seen its renders before.
    --curriculum adds phases of your own, as fit-teacher.curriculum has them (docs/training.md): lengths, ratios, rates.
    With --patience runs end when validation stops improving; with --seconds they get equal time, at a pace that is
    measured once for each recipe. PCK@0.2, OKS AP and the AP of rare poses are measured on the same test images for all.

    Needs your labels, and the rendered people of this checkout: first set render.images in params.yaml and run
    `dvc repro render`. Writes REPORT/recipes.md, which shows the results so far, its plot, and REPORT/test.json, the test
    people: what BlazePose achieves on them (`dataengine score`) says how low a low figure is. A study that was stopped
    goes on with the same command. A run is an experiment of DVC, named by recipe, labels, seed and a hash of everything
    else that decides its result.

    Example: dataengine compare-recipes --annotations mine/people.json --images mine/images --labels 200 --labels 800 --seed 0 --seed 1 --seed 2 --rendered 300 --report reports/compare-recipes

    Example: dataengine compare-recipes --annotations mine/people.json --images mine/images --recipe starter-real --curriculum "starter-slow=[{epochs: 1, only: synthetic}, {epochs: 3, only: real, layer_decay: 0.8}]" --epochs 4 --seconds 300 --report reports/compare-recipes
    """  # noqa: E501  an example is one line to copy
    plan = parse_recipe_plan(
        recipes=recipe or list(RECIPES),
        labels=labels or [200, 800],
        once=once or [],
        seeds=seed or [0, 1, 2],
        rendered=rendered or [],
        people=people,
        epochs=epochs,
        patience=patience,
        seconds=seconds,
        curricula=curriculum or [],
        settings=setting or [],
        held_out_share=_held_out_share(annotations, test_images),
    )
    check_plan(load_document(PARAMS_FILE), plan, curriculum or [])
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
    patience: int,
    settings: Sequence[str],
    held_out_share: float,
    seconds: float = 0.0,
    curricula: Sequence[str] = (),
) -> RecipePlan:
    """Validation and test each get `held_out_share` of the images, unless `settings` say otherwise.

    Raises InputError where these do not make a study.
    """
    unknown = sorted(set(recipes) - set(RECIPES))
    if unknown:
        raise InputError("--recipe is unknown", expected=" | ".join(RECIPES), got=unknown[0])
    if patience < 0:
        raise InputError("--patience is too small", expected="0 or more", got=str(patience))
    if not 0 <= seconds < math.inf or (seconds and patience):
        got = f"{seconds:g} seconds, patience {patience}"
        raise InputError("--seconds cannot be used", expected="0 or more, and not with --patience", got=got)
    for name, values in (("--labels", [*labels, *once]), ("--rendered", rendered), ("--people", [people])):
        if min(values, default=1) < 1:
            raise InputError(f"{name} is too small", expected="1 or more", got=str(min(values)))
    halves = sorted(set(HALVED) & set(recipes))
    if epochs < 1 or people % epochs or (epochs % 2 and halves):
        expected = "a divisor of --people" + (f", even for {halves[0]}" if halves else "")
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
        patience=patience,
        seconds=seconds,
        curricula=parse_curricula(curricula, epochs),
        settings=further,
        held_out={key: value for key, value in shares.items() if key not in further},
    )


def check_plan(document: Mapping[str, Any], plan: RecipePlan, curricula: Sequence[str]) -> None:
    """Read settings and phases (``NAME=PHASES``) as the fits will; `ParamsError` for what none of them takes."""
    lengths = {f"{STAGE}.epochs": str(plan.epochs), f"{STAGE}.people_per_epoch": str(plan.people // plan.epochs)}
    for phases in ("[]", *(text.partition("=")[2] for text in curricula)):
        check_settings(document, {**plan.settings, **lengths, f"{STAGE}.curriculum": phases})


def parse_curricula(given: Sequence[str], epochs: int) -> dict[str, str]:
    """Name -> phases of each ``NAME=PHASES``, as ``dvc exp run -S`` takes them.

    Raises InputError for a name that is taken or cannot name a run, and for phases that are not `epochs` long together.

    >>> parse_curricula(["slow=[{epochs: 1, only: synthetic}, {epochs: 3}]"], 4)
    {'slow': '[{epochs:1,only:"synthetic"},{epochs:3}]'}
    """
    found: dict[str, str] = {}
    for text in given:
        name, equals, phases_text = text.partition("=")
        if not equals or not _NAME.fullmatch(name) or name in (*RECIPES, *found, PRETRAIN):
            expected = "NAME=PHASES, the name of small letters, digits and -, and of no other recipe"
            raise InputError("--curriculum has no name", expected=expected, got=text)
        phases = parse_value(phases_text)
        listed = phases if isinstance(phases, list) else []
        lengths = [
            phase["epochs"] for phase in listed if isinstance(phase, dict) and isinstance(phase.get("epochs"), int)
        ]
        if not listed or len(lengths) != len(listed):
            expected = "a list of phases: [{epochs: 1, only: synthetic}, {epochs: 3, only: real}]"
            raise InputError(f"--curriculum {name} has no phases", expected=expected, got=phases_text)
        if sum(lengths) != epochs:
            got = str(sum(lengths))
            raise InputError(f"--curriculum {name} has another length", expected=f"{epochs} epochs", got=got)
        found[name] = _as_override(phases)
    return found


def _as_override(value: Any) -> str:
    """A value as `dvc exp run -S` takes it, whose mappings have keys without quotes."""
    if isinstance(value, dict):
        return "{" + ",".join(f"{key}:{_as_override(item)}" for key, item in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ",".join(map(_as_override, value)) + "]"
    return json.dumps(value)


def run(plan: RecipePlan, *, annotations: Path, images: Path, test_images: int, report: Path) -> None:
    """Run and score the missing runs.

    Raises:
        InputError: `images` is not a folder, there are too few training or test images, or as `Study.run`.
    """
    if not images.is_dir():
        raise InputError("--images is not a folder", expected="where the annotations' pictures are", got=str(images))
    RecipeStudy(given=plan, annotations=annotations, images=images, test_images=test_images, report=report).run()


def _parse_further(settings: Sequence[str]) -> dict[str, str]:
    further = parse_settings(settings, OWNED)
    rendered = [key for key in further if section_of(key) in ("fetch", "render")]
    if rendered:
        fix = "set it in params.yaml and run `dvc repro render`: all runs use the checkout's rendered people"
        raise InputError("--set cannot change rendered people", got=rendered[0], fix=fix)
    return further


def _held_out_share(annotations: Path, test_images: int) -> float:
    """The share of all images that comes to `test_images` or a few more."""
    document = read_json(annotations)
    count = len(document["images"]) if isinstance(document, dict) and document.get("images") else 0
    share = math.ceil(1e4 * HELD_OUT_MARGIN * test_images / max(count, 1)) / 1e4
    if test_images < 1 or share >= LARGEST_HELD_OUT_SHARE:
        expected = f"1 or more, and less than {LARGEST_HELD_OUT_SHARE / HELD_OUT_MARGIN:.1%} of the images"
        raise InputError("--test-images does not fit the set", expected=expected, got=f"{test_images} of {count}")
    return share
