"""Play whole rounds of the engine through on labels that are known, against labels and renders without aim.

`command` turns its options into a plan (`studies/campaign/plan.py`); `studies/campaign/runner.py` runs it.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer

from dataengine.errors import InputError
from dataengine.params import load_document
from dataengine.studies.page import command_line
from dataengine.studies.settings import assignments, parse_seeds, parse_settings
from dataengine.terminal.folders import folder_option, kept_folder_option, out_folder_option
from dataengine.terminal.options import PARAMS_FILE, HeldOut, ParamsFile

from .studies.campaign.overrides import OWNED
from .studies.campaign.plan import ARMS, ENGINE, UNDIRECTED, CampaignPlan
from .studies.campaign.playing import CampaignFiles
from .studies.campaign.runner import Campaign
from .studies.campaign.settings import check_settings
from .studies.sets import read_sets


def command(
    labelled: Annotated[Path, typer.Option(help="COCO JSON of labelled people: the pool, whose labels are hidden.")],
    val: Annotated[Path, typer.Option(help="COCO JSON of validation people, labelled from the start.")],
    test: Annotated[Path, typer.Option(help="COCO JSON of the people that the gate decides on.")],
    report: Annotated[
        Path, out_folder_option(help="Folder for the page, the plot and each round; read again to go on.")
    ],
    fetched: Annotated[Path, folder_option(help="Folder of the stage fetch, with BlazePose.")] = Path("data/fetch"),
    cache: Annotated[Path, kept_folder_option(help="Folder of the body model.")] = Path("data/cache/anny"),
    held_out: HeldOut = None,
    arm: Annotated[
        list[str] | None, typer.Option(help=f"Arm, {' | '.join(ARMS)}; repeat it.", show_default="all")
    ] = None,
    seed: Annotated[list[int] | None, typer.Option(help="Seed; repeat it.", show_default="0")] = None,
    start: Annotated[int, typer.Option(help="Images with labels at first, drawn at random.")] = 200,
    step: Annotated[int, typer.Option(help="Images that are labelled in a round.")] = 100,
    rounds: Annotated[int, typer.Option(help="Rounds after the first fit.")] = 4,
    candidates: Annotated[int, typer.Option(help="Images without labels that a round looks at.")] = 600,
    base_renders: Annotated[int, typer.Option(help="Renders of the library in every arm with renders.")] = 40,
    renders: Annotated[int, typer.Option(help="Renders that the requests of a round get.")] = 40,
    people: Annotated[int, typer.Option(help="People that every fit sees, in all its epochs together.")] = 20_000,
    epochs: Annotated[int, typer.Option(help="Epochs of each fit, with a validation after each.")] = 1,
    setting: Annotated[
        list[str] | None,
        typer.Option("--set", help="Param of all rounds, such as export.int8.most_in_float=0; repeat it."),
    ] = None,
    params: ParamsFile = PARAMS_FILE,
) -> None:
    """Measure whether the loop pays: the engine against as many random labels, and against renders without aim.

    Needs a labelled set in the project, of --start + --rounds x --step images or more (the default data have 244), and
    BlazePose (`dataengine fetch`) and Blender. All labels are hidden but those of a random start set; each round of
    each arm runs the commands that a project runs, from begin-round to request, in a folder of its own with a registry
    of its own: the engine chooses images by `select`, learns from pseudo-labels where validation says that they pay,
    and has rendered what the last round's failures asked for. Verdicts are the gate's.

    Writes REPORT/campaign.md: AP with intervals by number of labels, rare poses apart, verdicts, what each request
    brought, and the last models of the arms against each other. A campaign that was stopped goes on with the same
    command. Rounds are known by data, params and plan; after a change of the code take another folder.

    Example: dataengine campaign --labelled data/ingest/train.json --val data/ingest/val.json --test data/ingest/test.json --report reports/campaign
    """  # noqa: E501  an example is one line to copy
    plan = parse_campaign(
        arms=arm or list(ARMS),
        seeds=seed or [0],
        counts={
            "start": start,
            "step": step,
            "rounds": rounds,
            "candidates": candidates,
            "base_renders": base_renders,
            "renders": renders,
            "people": people,
            "epochs": epochs,
        },
        settings=setting or [],
    )
    document = load_document(params)
    check_settings(document, plan)
    line = command_line(
        "campaign",
        labelled=labelled,
        val=val,
        test=test,
        held_out=held_out or [],
        arm=plan.arms,
        seed=plan.seeds,
        start=start,
        step=step,
        rounds=rounds,
        candidates=candidates,
        base_renders=base_renders,
        renders=renders,
        people=people,
        epochs=epochs,
        set=assignments(plan.settings),
    )
    Campaign(
        plan=plan,
        sets=read_sets(labelled, val, test, 0, held_out),
        files=CampaignFiles(val=val, test=test, fetched=fetched, cache=cache, held_out=held_out, document=document),
        params=params,
        line=line,
        report=report,
    ).run()


def parse_campaign(
    *, arms: Sequence[str], seeds: Sequence[int], counts: dict[str, int], settings: Sequence[str]
) -> CampaignPlan:
    """The plan that the options ask for. Raises InputError where they do not make a campaign."""
    unknown = sorted(set(arms) - set(ARMS))
    if unknown:
        raise InputError("--arm is unknown", expected=" | ".join(ARMS), got=unknown[0])
    if UNDIRECTED in arms and ENGINE not in arms:
        raise InputError(f"--arm {UNDIRECTED} renders as many as {ENGINE}", fix=f"add --arm {ENGINE}")
    for name, value in counts.items():
        if value < 1:
            raise InputError(f"--{name.replace('_', '-')} is too small", expected="1 or more", got=str(value))
    if counts["candidates"] < counts["step"]:
        got = str(counts["candidates"])
        raise InputError("--candidates is too small", expected=f"{counts['step']} (--step) or more", got=got)
    if counts["people"] % counts["epochs"]:
        raise InputError("--epochs does not fit", expected="a divisor of --people", got=str(counts["epochs"]))
    return CampaignPlan(
        arms=tuple(name for name in ARMS if name in arms),
        seeds=parse_seeds(seeds),
        settings=parse_settings(settings, OWNED),
        **counts,
    )
