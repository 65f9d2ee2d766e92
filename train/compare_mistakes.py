"""Command `compare-mistakes`: which label mistakes, made on purpose, are found, and what finding them brings."""

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer

from dataengine.errors import InputError
from dataengine.format_table import FORMATS, format_named
from dataengine.formats.reading.content import Limits
from dataengine.params import load_section
from dataengine.studies.page import command_line
from dataengine.studies.settings import parse_seeds
from dataengine.terminal.folders import folder_option, out_folder_option
from dataengine.terminal.options import PARAMS_FILE, ParamsFile
from dataengine.terminal.speech import answer

from .fit.params import BASE
from .mistakes.outsiders import outsiders_of
from .mistakes.params import SECTION, FindMistakesParams


def command(
    annotations: Annotated[Path, typer.Option(help="Annotation file or folder.")],
    images: Annotated[Path, folder_option(help="Folder of its images.")],
    report: Annotated[
        Path, out_folder_option(help="Folder for the page and all that takes long; read again to go on.")
    ],
    source_format: Annotated[str, typer.Option("--format", help=f"Format to read: {' | '.join(FORMATS)}.")] = "coco",
    blazepose: Annotated[
        Path | None,
        folder_option(help="Folder of the BlazePose models. Without it there are no mistakes with other people."),
    ] = None,
    adopted: Annotated[
        list[Path] | None, folder_option(help="Folder of `dataengine adopt`, of a network to ask, too; repeat it.")
    ] = None,
    share: Annotated[float, typer.Option(help="Of the people: mistakes of each kind, and labels put right.")] = 0.05,
    test_people: Annotated[
        int, typer.Option(help="People whose labels stay, to measure students on; none without --seed.")
    ] = 500,
    seed: Annotated[
        list[int] | None, typer.Option(help="Seed of a student of each kind; repeat it.", show_default="no students")
    ] = None,
    student_people: Annotated[int, typer.Option(help="People that each student sees.")] = 24_000,
    params: ParamsFile = PARAMS_FILE,
) -> None:
    """Make mistakes in labels that are good, look for them as `find-mistakes` does, and measure what is found.

    Made are left and right exchanged (body, arms, legs), a joint moved by 0.5 to 1 limb, joints put on somebody else,
    flags turned round, people left out. Measured are the area under the ROC curve of each kind with its interval, how
    many of the first 100 suspects are among them, and the AP of students whose labels were corrected: the first of the
    ranking, as many by chance, or all.

    Writes REPORT/mistakes.md and REPORT/metrics.json, again after every student. A study that was stopped goes on with
    the same command.

    Example: dataengine compare-mistakes --annotations mine/people.json --images mine/images --blazepose data/fetch/mediapipe --seed 0 --seed 1 --seed 2 --report reports/compare-mistakes
    """  # noqa: E501  an example is one line to copy
    given = {"annotations": annotations, "images": images, "blazepose": blazepose, "adopted": adopted}
    options: dict[str, object] = {name: value for name, value in given.items() if value is not None}
    if source_format != "coco":
        options["format"] = source_format
    called = command_line(
        "compare-mistakes",
        **options,
        share=share,
        test_people=test_people,
        seed=seed or [],
        student_people=student_people,
    )
    run(
        load_section(params, SECTION, FindMistakesParams, base=BASE),
        annotations=annotations,
        images=images,
        report=report,
        source_format=source_format,
        blazepose=blazepose,
        adopted=adopted or [],
        share=share,
        test_people=test_people,
        seeds=parse_seeds(seed) if seed else (),
        student_people=student_people,
        called=called,
    )


def run(
    params: FindMistakesParams,
    *,
    annotations: Path,
    images: Path,
    report: Path,
    source_format: str = "coco",
    blazepose: Path | None = None,
    adopted: Sequence[Path] = (),
    share: float = 0.05,
    test_people: int = 500,
    seeds: tuple[int, ...] = (),
    student_people: int = 24_000,
    called: str = "dataengine compare-mistakes",
) -> None:
    """Write the page into `report`. Raises InputError where the set is too small for what is asked."""
    from .studies.mistakes.report import PAGE
    from .studies.mistakes.runner import MistakeStudy, run_study

    if not 0 < share <= 0.1:
        raise InputError("--share does not fit", expected="above 0, at most 0.1", got=f"{share:g}")
    content = format_named(source_format).read(annotations, images, Limits())
    outsiders = outsiders_of(blazepose, adopted)
    study = MistakeStudy(
        params=params,
        outsiders=outsiders,
        share=share,
        test_people=test_people,
        seeds=seeds,
        student_people=student_people,
        report=report,
    )
    run_study(study, content.people, content.images, called)
    answer((report / PAGE).read_text(encoding="utf-8"))
