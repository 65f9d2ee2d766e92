"""Command `compare-judged`: what a student gains when each judge in turn accepts its pseudo-labels."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from dataengine.errors import InputError, ParamsError
from dataengine.files import sha256_file
from dataengine.inference.network_files import MODELS, network_hashes
from dataengine.judges.kept import BLAZEPOSE, AskedTeachers
from dataengine.judges.known_tracks import known_tracks
from dataengine.judges.lifted_pose import loaded_lifter
from dataengine.judges.options import FETCHED, Calibration, Fetched, SecondTeacher
from dataengine.judges.table import TOGETHER
from dataengine.lifting.checkpoint import LIFTER_WEIGHTS
from dataengine.multiview.qualisys import read_calibration
from dataengine.studies.page import command_line
from dataengine.studies.settings import assignments, json_hash, parse_seeds, parse_settings, section_of
from dataengine.terminal.folders import folder_option, out_folder_option
from dataengine.terminal.options import PARAMS_FILE, ParamsFile
from dataengine.tracking.labelled_films import read_films

from ..students.fits import PSEUDO_PER_REAL, SECTIONS
from ..students.plan import EPOCHS, OUTSIDE, OWNED, STARTER, STARTS, StudentPlan
from ..students.sets import StudentSets, read_student_sets
from .accepting import BESIDES
from .runner import JudgedStudy
from .tracks import judged_people


def command(
    films: Annotated[Path, typer.Option(help="COCO JSON of films with labelled people; most labels are hidden.")],
    val: Annotated[Path, typer.Option(help="COCO JSON of validation people.")],
    test: Annotated[Path, typer.Option(help="COCO JSON of the people that students are measured on.")],
    report: Annotated[
        Path, out_folder_option(help="Folder for the page, the plot and each trial; read again to go on.")
    ],
    fetched: Fetched = FETCHED,
    teacher: SecondTeacher = None,
    judged: Annotated[
        str | None, typer.Option(help=f"Whose labels: {BLAZEPOSE}, or the name of --teacher.", show_default=BLAZEPOSE)
    ] = None,
    judge: Annotated[
        list[str] | None, typer.Option(help="Judge, as the page calls it; repeat it.", show_default="all")
    ] = None,
    share: Annotated[float, typer.Option(help="Share of the joints that each judge accepts.")] = 0.5,
    labels: Annotated[int, typer.Option(help="Pictures with labels.")] = 40,
    seed: Annotated[
        list[int] | None, typer.Option(help="Seed; repeat it, intervals need two or more.", show_default="0, 1 and 2")
    ] = None,
    start: Annotated[str, typer.Option(help=f"First weights, {' | '.join(STARTS)}.")] = STARTER,
    people: Annotated[int, typer.Option(help="People that a fit sees.")] = 12_000,
    calibration: Calibration = None,
    lifter: Annotated[Path | None, folder_option(help="Folder that fit-lifter wrote: lifted poses judge, too.")] = None,
    setting: Annotated[
        list[str] | None, typer.Option("--set", help="Param of all fits, section.key=value; repeat it.")
    ] = None,
    params: ParamsFile = PARAMS_FILE,
) -> None:
    """Measure what a student gains under each judge of its pseudo-labels.

    Each seed draws the pictures with labels; in the others a teacher labels the people in their boxes. Each judge of
    compare-judges accepts the same --share of all joints, a student learns from the labels and from these, and its AP
    is measured on --test. Besides: labels alone, everything accepted, chance, and the hidden labels as a judge, which
    none can beat. The judge that is learned from all others learns on the pictures with labels.

    Writes REPORT/judged-students.md and its plot. A study that was stopped goes on with the same command, and more
    may be asked for later. Trials are known by data, params and plan; after a change of the code take another folder.

    Example: dataengine compare-judged --films data/ingest/train.json --val data/ingest/val.json --test data/ingest/test.json --teacher models/movenet --report reports/compare-judged
    """  # noqa: E501  an example is one line to copy
    if not 0 < share < 1:
        raise ParamsError("--share does not fit", expected="above 0 and below 1", got=f"{share:g}")
    if start not in STARTS:
        raise InputError("--start is unknown", expected=" | ".join(STARTS), got=start)
    if labels < 1 or people < EPOCHS:
        raise ParamsError(
            "--labels and --people", expected=f"1 or more, and {EPOCHS} or more", got=f"{labels}, {people}"
        )
    name, names = judged or BLAZEPOSE, [BLAZEPOSE, *([teacher.name] if teacher else [])]
    if name not in names:
        raise InputError("--judged is unknown", expected=" | ".join(names), got=name)
    further = parse_settings(setting or [], {*OWNED, PSEUDO_PER_REAL})
    if strange := [key for key in further if section_of(key) not in SECTIONS]:
        raise InputError("--set changes what no fit reads", expected=" | ".join(SECTIONS), got=strange[0])
    seeds = parse_seeds(seed or [0, 1, 2])
    sets = read_student_sets(films, val, test, labels)
    known = read_films(films)
    asked = AskedTeachers(fetched / MODELS, teacher, report / "answers")
    cameras = read_calibration(calibration) if calibration else []
    table = judged_people(known, known_tracks(known, asked, cameras, loaded_lifter(lifter) if lifter else None), name)
    all_judges = [*BESIDES, *table.trust, TOGETHER]
    if unknown := sorted(set(judge or []) - set(all_judges)):
        raise InputError("--judge is unknown", expected=" | ".join(all_judges), got=unknown[0])
    plan = StudentPlan(
        recipes=(OUTSIDE,),
        starts=(start,),
        labels=(labels,),
        seeds=seeds,
        people=people,
        unlabelled_per_labelled=1.0,
        settings=further,
    )
    options = {"fetched": fetched, "teacher": teacher, "judged": judged, "calibration": calibration, "lifter": lifter}
    line = command_line(
        "compare-judged",
        films=films,
        val=val,
        test=test,
        **{key: value for key, value in options.items() if value not in (None, FETCHED)},
        judge=judge or [],
        share=share,
        labels=labels,
        seed=seeds,
        start=start,
        people=people,
        set=assignments(further),
    )
    judging = [path for path in (calibration, lifter and lifter / LIFTER_WEIGHTS) if path]
    decides = [network_hashes(fetched / MODELS), network_hashes(teacher) if teacher else [], *map(sha256_file, judging)]
    JudgedStudy(
        judged=table,
        judges=tuple(each for each in all_judges if each in (judge or all_judges)),
        share=share,
        plan=plan,
        sets=StudentSets(train=(table.people, table.images), val=sets.val, test=sets.test, sha256=sets.sha256),
        params=params,
        teacher=(name, json_hash(decides)),
        line=line,
        report=report,
    ).run()
