"""Command `compare-students`: what pictures without labels are worth to a student, at equal numbers of passes."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from dataengine.errors import InputError
from dataengine.evaluation.own_sigmas import load_protocol
from dataengine.params import load_document, load_section
from dataengine.studies.page import command_line
from dataengine.studies.sections import check_settings
from dataengine.studies.settings import assignments, parse_seeds, parse_settings, section_of
from dataengine.terminal.folders import folder_option, out_folder_option
from dataengine.terminal.options import PARAMS_FILE, ParamsFile

from ...fit.consistency.params import ConsistencyParams
from ...pseudo.params import PseudoLabelParams
from ...pseudo.teachers import BLAZEPOSE
from .fits import SECTIONS
from .outside import OutsideTeachers, outside_folders
from .plan import EPOCHS, FROM_OUTSIDE, LIKELY, OWNED, RECIPES, STAGE, STARTER, STARTS, SUPERVISED, StudentPlan
from .runner import StudentStudy
from .sets import read_student_sets
from .starts import parse_starts

PER_LABELLED = f"{STAGE}.consistency.unlabelled_per_labelled"


def command(
    labelled: Annotated[Path, typer.Option(help="COCO JSON of labelled people; most of their labels are hidden.")],
    val: Annotated[Path, typer.Option(help="COCO JSON of validation people.")],
    test: Annotated[Path, typer.Option(help="COCO JSON of the people that everything is measured on.")],
    report: Annotated[
        Path, out_folder_option(help="Folder for the page, the plot and each trial; read again to go on.")
    ],
    recipe: Annotated[
        list[str] | None,
        typer.Option(
            help=f"Recipe, {' | '.join(RECIPES)}; repeat it.", show_default="all, outside ones with --teacher"
        ),
    ] = None,
    teacher: Annotated[
        list[str] | None,
        typer.Option(
            help=f"Outside teacher: a folder of `dataengine adopt` or of a fit, or {BLAZEPOSE}; twice at most."
        ),
    ] = None,
    fetched: Annotated[Path, folder_option(help="Folder of the stage fetch, with BlazePose's models.")] = Path(
        "data/fetch"
    ),
    start: Annotated[
        list[str] | None,
        typer.Option(
            help=f"First weights, {' | '.join(STARTS)}, or NAME=FOLDER of a checkpoint; repeat it.",
            show_default=STARTER,
        ),
    ] = None,
    labels: Annotated[
        list[int] | None, typer.Option(help="Pictures with labels, 0 for none; repeat it.", show_default="200 and 800")
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
    """Compare students that learn from labels alone, from pseudo-labels, by consistency, and from an outside teacher.

    Each seed draws the pictures with labels; of all other training pictures only the boxes are known. A supervised fit,
    a teacher with pseudo-labels, and consistency with one and with two networks take equally many passes. AP is
    measured on the test people once a trial; choose settings by the validation AP of a seed that you do not report.

    With --start NAME=FOLDER it also compares first weights, such as those of `pretrain`; --recipe supervised is enough
    for that, and may use all labels.

    Writes REPORT/students.md and its plot: AP with intervals over seeds, and precision and coverage of accepted joints
    by the hidden labels. Outside teachers (--teacher) are asked once about every picture, two of them together; with
    --labels 0 a student learns from them alone, compared with the starter as it is. A study that was stopped goes on
    with the same command, and more may be asked for later. Trials are known by data, params and plan; after a change of
    the code take another folder.

    Example: dataengine compare-students --labelled data/ingest/train.json --val data/ingest/val.json --test data/ingest/test.json --labels 200 --labels 800 --seed 0 --seed 1 --seed 2 --report reports/compare-students
    """  # noqa: E501  an example is one line to copy
    if unknown := sorted(set(recipe or []) - set(RECIPES)):
        raise InputError("--recipe is unknown", expected=" | ".join(RECIPES), got=unknown[0])
    starts = parse_starts(start or [])
    numbers = sorted(set(labels or [200, 800]))
    if numbers[0] < 0 or people < 8 * EPOCHS:
        got = f"{numbers[0]} and {people}"
        raise InputError("--labels and --people", expected=f"0 or more, and {8 * EPOCHS} or more", got=got)
    chosen = recipe or [name for name in RECIPES if teacher or name not in FROM_OUTSIDE]
    asking = [name for name in chosen if name in FROM_OUTSIDE]
    if bool(asking) != bool(teacher):
        fix = "add --teacher" if asking else f"add --recipe {LIKELY}"
        raise InputError(
            "recipes and --teacher do not fit", expected="an outside recipe and a teacher, or neither", fix=fix
        )
    folders = outside_folders(teacher or [], fetched)
    further = parse_settings(setting or [], OWNED)
    strange = [key for key in further if section_of(key) not in SECTIONS]
    if strange:
        raise InputError("--set changes what no fit reads", expected=" | ".join(SECTIONS), got=strange[0])
    check_settings(load_document(params), {**further, f"{STAGE}.epochs": str(EPOCHS)})
    plan = StudentPlan(
        recipes=tuple(name for name in RECIPES if name in chosen),
        starts=(*(name for name in STARTS if name in (start or [STARTER])), *starts),
        folders=starts,
        labels=tuple(numbers),
        seeds=parse_seeds(seed or [0, 1, 2]),
        people=people,
        unlabelled_per_labelled=float(further.get(PER_LABELLED, ConsistencyParams().unlabelled_per_labelled)),
        settings={PER_LABELLED: str(ConsistencyParams().unlabelled_per_labelled), **further},
    )
    given = dict(each.split("=", 1) for each in start or [] if "=" in each)
    if not plan.trials():
        expected = f"{SUPERVISED} from {STARTER}, or an outside recipe"
        raise InputError("--labels 0 leaves no trial", expected=expected, got=", ".join(plan.recipes))
    asked = {"teacher": teacher, "fetched": fetched if BLAZEPOSE in folders else None}
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
        **{name: value for name, value in asked.items() if value},
    )
    sets = read_student_sets(labelled, val, test, plan.labels[-1], all_labels=plan.recipes == (SUPERVISED,))
    pseudo = load_section(params, "pseudo-label", PseudoLabelParams)
    outside = OutsideTeachers(folders, sets, pseudo, load_protocol(params), report / "answers") if folders else None
    StudentStudy(plan=plan, sets=sets, params=params, pseudo=pseudo, line=line, report=report, outside=outside).run()
