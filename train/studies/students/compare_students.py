"""Command `compare-students`: what pictures without labels are worth to a student, at equal numbers of passes."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer

from dataengine.errors import InputError
from dataengine.nets.checkpoint import META_NAME
from dataengine.params import load_document, load_section
from dataengine.sections import check_settings
from dataengine.studies.page import command_line
from dataengine.studies.settings import assignments, parse_seeds, parse_settings, section_of
from dataengine.terminal.options import PARAMS_FILE, ParamsFile

from ...fit.consistency.params import ConsistencyParams
from ...pseudo.params import PseudoLabelParams
from .plan import EPOCHS, OWNED, RECIPES, STAGE, STARTER, STARTS, SUPERVISED, StudentPlan
from .runner import SECTIONS, StudentStudy
from .sets import read_student_sets

PER_LABELLED = f"{STAGE}.consistency.unlabelled_per_labelled"


def command(
    labelled: Annotated[Path, typer.Option(help="COCO JSON of labelled people; most of their labels are hidden.")],
    val: Annotated[Path, typer.Option(help="COCO JSON of validation people.")],
    test: Annotated[Path, typer.Option(help="COCO JSON of the people that everything is measured on.")],
    report: Annotated[Path, typer.Option(help="Folder for the page, the plot and each trial; read again to go on.")],
    recipe: Annotated[
        list[str] | None, typer.Option(help=f"Recipe, {' | '.join(RECIPES)}; repeat it.", show_default="all")
    ] = None,
    start: Annotated[
        list[str] | None,
        typer.Option(
            help=f"First weights, {' | '.join(STARTS)}, or NAME=FOLDER of a checkpoint; repeat it.",
            show_default=STARTER,
        ),
    ] = None,
    labels: Annotated[
        list[int] | None, typer.Option(help="Pictures with labels; repeat it.", show_default="200 and 800")
    ] = None,
    seed: Annotated[
        list[int] | None, typer.Option(help="Seed; repeat it, intervals need two or more.", show_default="0, 1 and 2")
    ] = None,
    people: Annotated[int, typer.Option(help="People that a supervised fit sees.")] = 12_000,
    setting: Annotated[
        list[str] | None, typer.Option("--set", help="Param of all fits, section.key=value; repeat it.")
    ] = None,
    params: ParamsFile = PARAMS_FILE,
) -> None:
    """Compare students that learn from labels alone, from pseudo-labels, and by consistency.

    Each seed draws the pictures with labels; of all other training pictures only the boxes are known. A supervised fit,
    a teacher with pseudo-labels, and consistency with one and with two networks take equally many passes. AP is
    measured on the test people once a trial; choose settings by the validation AP of a seed that you do not report.

    With --start NAME=FOLDER it also compares first weights, such as those of `pretrain`; --recipe supervised is enough
    for that, and may use all labels.

    Writes REPORT/students.md and its plot: AP with intervals over seeds, and precision and coverage of accepted joints
    by the hidden labels. A study that was stopped goes on with the same command, and more may be asked for later.
    Trials are known by data, params and plan; after a change of the code take another folder.

    Example: dataengine compare-students --labelled data/ingest/train.json --val data/ingest/val.json --test data/ingest/test.json --labels 200 --labels 800 --seed 0 --seed 1 --seed 2 --report reports/compare-students
    """  # noqa: E501  an example is one line to copy
    if unknown := sorted(set(recipe or []) - set(RECIPES)):
        raise InputError("--recipe is unknown", expected=" | ".join(RECIPES), got=unknown[0])
    folders = parse_starts(start or [])
    numbers = sorted(set(labels or [200, 800]))
    if numbers[0] < 1 or people < 8 * EPOCHS:
        got = f"{numbers[0]} and {people}"
        raise InputError("--labels and --people", expected=f"1 or more, and {8 * EPOCHS} or more", got=got)
    further = parse_settings(setting or [], OWNED)
    strange = [key for key in further if section_of(key) not in SECTIONS]
    if strange:
        raise InputError("--set changes what no fit reads", expected=" | ".join(SECTIONS), got=strange[0])
    check_settings(load_document(params), {**further, f"{STAGE}.epochs": str(EPOCHS)})
    plan = StudentPlan(
        recipes=tuple(name for name in RECIPES if name in (recipe or RECIPES)),
        starts=(*(name for name in STARTS if name in (start or [STARTER])), *folders),
        folders=folders,
        labels=tuple(numbers),
        seeds=parse_seeds(seed or [0, 1, 2]),
        people=people,
        unlabelled_per_labelled=float(further.get(PER_LABELLED, ConsistencyParams().unlabelled_per_labelled)),
        settings={PER_LABELLED: str(ConsistencyParams().unlabelled_per_labelled), **further},
    )
    given = dict(each.split("=", 1) for each in start or [] if "=" in each)
    line = command_line(
        "compare-students",
        labelled=labelled,
        val=val,
        test=test,
        recipe=plan.recipes,
        start=[f"{name}={given[name]}" if name in given else name for name in plan.starts],
        labels=plan.labels,
        seed=plan.seeds,
        people=people,
        set=assignments(further),
    )
    StudentStudy(
        plan=plan,
        sets=read_student_sets(labelled, val, test, plan.labels[-1], all_labels=plan.recipes == (SUPERVISED,)),
        params=params,
        pseudo=load_section(params, "pseudo-label", PseudoLabelParams),
        line=line,
        report=report,
    ).run()


def parse_starts(starts: Sequence[str]) -> dict[str, str]:
    """Name -> checkpoint folder of each ``NAME=FOLDER``; InputError for other words than `STARTS`, or bad folders."""
    folders = dict[str, str]()
    for text in starts:
        name, equals, folder = text.partition("=")
        if not equals and name in STARTS:
            continue
        if not equals or not re.fullmatch(r"[a-z][a-z0-9-]*", name) or name in (*STARTS, *folders):
            expected = f"{' | '.join(STARTS)}, or NAME=FOLDER, the name of small letters, digits and -"
            raise InputError("--start is unknown", expected=expected, got=text)
        if not (Path(folder) / META_NAME).is_file():
            what = f"--start {name} names no checkpoint"
            raise InputError(what, expected="a folder with model.json, as a fit or `pretrain` writes it", got=folder)
        folders[name] = Path(folder).resolve().as_posix()
    return folders
