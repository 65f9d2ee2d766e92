"""Command `study`: play selection rules through on labels that are known, and measure what each label bought.

In `studies/`, `plan.py` lists the rounds, `runner.py` plays them, `report.py` writes up what was found; `forecast/`
says one round ahead what the next labels will buy, and the page says how right that was.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer

from dataengine.errors import InputError
from dataengine.params import load_section
from dataengine.studies.page import command_line
from dataengine.studies.settings import assignments, parse_seeds, parse_settings, section_of
from dataengine.terminal.folders import out_folder_option
from dataengine.terminal.options import PARAMS_FILE, Cluster, HeldOut, ParamsFile

from .query.select_params import SelectParams
from .studies.fitting import SECTIONS
from .studies.plan import OWNED, RULES, StudyPlan
from .studies.runner import SelectionStudy
from .studies.sets import read_sets


def command(
    labelled: Annotated[Path, typer.Option(help="COCO JSON of labelled people: the pool, whose labels are hidden.")],
    val: Annotated[Path, typer.Option(help="COCO JSON of validation people, labelled from the start.")],
    test: Annotated[Path, typer.Option(help="COCO JSON of the people that everything is measured on.")],
    report: Annotated[
        Path, out_folder_option(help="Folder for the page, the plot and each round; read again to go on.")
    ],
    rule: Annotated[
        list[str] | None, typer.Option(help=f"Rule, {' | '.join(RULES)}; repeat it.", show_default="all")
    ] = None,
    seed: Annotated[
        list[int] | None, typer.Option(help="Seed; repeat it, intervals need two or more.", show_default="0, 1 and 2")
    ] = None,
    start: Annotated[int, typer.Option(help="Images with labels at first, drawn at random for each seed.")] = 200,
    step: Annotated[int, typer.Option(help="Images that a rule chooses in a round.")] = 200,
    rounds: Annotated[int, typer.Option(help="How often each rule chooses.")] = 4,
    candidates: Annotated[
        int, typer.Option(help="Images without labels that a rule may choose from in a round, drawn at random.")
    ] = 1500,
    val_images: Annotated[int, typer.Option(help="Validation images that are used; 0: all.")] = 200,
    people: Annotated[int, typer.Option(help="People that every fit sees, in all its epochs together.")] = 20_000,
    epochs: Annotated[int, typer.Option(help="Epochs of each fit, with a validation after each.")] = 1,
    warm: Annotated[bool, typer.Option("--warm", help="Fits go on from the network of the round before.")] = False,
    stop_gain: Annotated[
        float, typer.Option(help="Stop where the forecast says that the next round gains less AP than this.")
    ] = 0.005,
    held_out: HeldOut = None,
    setting: Annotated[
        list[str] | None, typer.Option("--set", help="Param of all fits, section.key=value; repeat it.")
    ] = None,
    cluster: Cluster = None,
    params: ParamsFile = PARAMS_FILE,
) -> None:
    """Find out which rule of `select` saves labels on your data, and what the next labels would buy.

    Needs a labelled set of --start + --rounds x --step images or more (the default data have 244). Of its training
    people all labels are hidden but those of a random start set, the same for every rule of a seed. In each round a
    rule chooses images, their labels are revealed, and a network is fitted on all that are known, with `fit-teacher`
    and its params (by default from the starter). AP is measured on the test people after each round; nothing is chosen
    by it.

    Writes REPORT/study.md: curves with intervals over seeds, the area under each, labels saved at equal AP against
    random, where one would have stopped, and how right the forecasts of one round ahead were. A study that was stopped
    goes on with the same command, and more rules, seeds or rounds may be asked for later. Rounds are known by data,
    params and plan; after a change of the code take another folder.

    Example: dataengine study --labelled data/ingest/train.json --val data/ingest/val.json --test data/ingest/test.json --rule random --rule herding --seed 0 --seed 1 --seed 2 --report reports/study
    """  # noqa: E501  an example is one line to copy
    plan = parse_study_plan(
        rules=rule or list(RULES),
        seeds=seed or [0, 1, 2],
        start=start,
        step=step,
        rounds=rounds,
        candidates=candidates,
        people=people,
        epochs=epochs,
        warm=warm,
        settings=setting or [],
    )
    if val_images < 0 or not 0 <= stop_gain < math.inf:
        raise InputError("--val-images and --stop-gain", expected="0 or more", got=f"{val_images} and {stop_gain:g}")
    line = command_line(
        "study",
        labelled=labelled,
        val=val,
        test=test,
        rule=plan.rules,
        seed=plan.seeds,
        start=start,
        step=step,
        rounds=rounds,
        candidates=candidates,
        val_images=val_images,
        people=people,
        epochs=epochs,
        stop_gain=f"{stop_gain:g}",
        held_out=held_out or [],
        set=assignments(plan.settings),
    )
    SelectionStudy(
        plan=plan,
        sets=read_sets(labelled, val, test, val_images, held_out),
        select=load_section(params, "select", SelectParams),
        params=params,
        line=line + " --warm" * warm,
        stop_gain=stop_gain,
        report=report,
        cluster=cluster,
    ).run()


def parse_study_plan(
    *,
    rules: Sequence[str],
    seeds: Sequence[int],
    start: int,
    step: int,
    rounds: int,
    candidates: int,
    people: int,
    epochs: int,
    warm: bool,
    settings: Sequence[str],
) -> StudyPlan:
    """The plan that the options ask for. Raises InputError where they do not make a study."""
    unknown = sorted(set(rules) - set(RULES))
    if unknown:
        raise InputError("--rule is unknown", expected=" | ".join(RULES), got=unknown[0])
    for name, value in (("--start", start), ("--step", step), ("--rounds", rounds), ("--epochs", epochs)):
        if value < 1:
            raise InputError(f"{name} is too small", expected="1 or more", got=str(value))
    if candidates < step:
        raise InputError("--candidates is too small", expected=f"{step} (--step) or more", got=str(candidates))
    if people < epochs or people % epochs:
        raise InputError("--epochs does not fit", expected="a divisor of --people", got=f"{epochs} of {people} people")
    further = parse_settings(settings, OWNED)
    strange = [key for key in further if section_of(key) not in SECTIONS]
    if strange:
        raise InputError("--set changes what no fit reads", expected=" | ".join(SECTIONS), got=strange[0])
    return StudyPlan(
        rules=tuple(name for name in RULES if name in rules),
        seeds=parse_seeds(seeds),
        start=start,
        step=step,
        rounds=rounds,
        candidates=candidates,
        people=people,
        epochs=epochs,
        warm=warm,
        settings=further,
    )
