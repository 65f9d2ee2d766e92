"""Command `compare-renders`: which of the renderer's levers pay, by fits that differ in the renders alone.

In `studies/levers/`: `lever.py` and `levers.yaml` say what is compared, `study.py` runs it.
"""

from pathlib import Path
from typing import Annotated

import typer

from dataengine.coco_json import read_project_people
from dataengine.errors import InputError
from dataengine.files import read_json
from dataengine.studies.page import command_line
from dataengine.studies.settings import parse_seeds
from dataengine.studies.shared_pictures import refuse_shared_pictures
from dataengine.terminal.folders import folder_option, kept_folder_option, out_folder_option
from dataengine.terminal.options import PARAMS_FILE, ParamsFile

from .render import run as render
from .studies.levers.fit_runs import FitLengths
from .studies.levers.lever import BASE, SHIPPED, read_levers
from .studies.levers.render_sets import RenderSets
from .studies.levers.study import LeverStudy


def command(
    real: Annotated[Path, typer.Option(help="COCO JSON of labelled training people.")],
    val: Annotated[Path, typer.Option(help="COCO JSON of labelled validation people, whom everything is measured on.")],
    report: Annotated[
        Path, out_folder_option(help="Folder for the page, the plot, render sets and fits; read to go on.")
    ],
    cache: Annotated[
        Path, kept_folder_option(help="Folder of the body model, as prepare-body builds it; built if missing.")
    ],
    levers: Annotated[
        Path | None,
        typer.Option(help="YAML of levers, as blender/studies/levers/levers.yaml is one.", show_default="that one"),
    ] = None,
    lever: Annotated[
        list[str] | None, typer.Option(help="Lever to compare with the base; repeat it.", show_default="all")
    ] = None,
    base: Annotated[
        Path | None, folder_option(help="Folder of renders that are there, whose first pictures are the base's.")
    ] = None,
    seed: Annotated[
        list[int] | None, typer.Option(help="Seed; repeat it, intervals need two or more.", show_default="0 and 1")
    ] = None,
    people: Annotated[int, typer.Option(help="Rendered people that every fit sees, in --epochs epochs.")] = 12_000,
    epochs: Annotated[int, typer.Option(help="Epochs on renders.")] = 3,
    labels: Annotated[int, typer.Option(help="Labelled photographs that it then learns from; 0: none.")] = 200,
    label_epochs: Annotated[int, typer.Option(help="Epochs on them, as long as those on renders.")] = 1,
    params: ParamsFile = PARAMS_FILE,
) -> None:
    """Measure what the renderer's levers are worth: number of pictures, poses, cameras, clothes, backgrounds, blur, JPEG.

    Each lever is the base with one change: of section `render`, which is rendered with the same seed; of the
    number of pictures; or of how the fit shows them (`augment`), which costs no rendering. On each a network of section
    `fit-teacher` is fitted from random weights, on renders alone and then on a few labelled photographs, and scored on
    validation people after both.

    Writes REPORT/render_levers.md with its plot, which show the results so far. Stopped, it goes on with the same command.

    Example: dataengine compare-renders --real data/ingest/train.json --val data/ingest/val.json --cache data/cache/anny --base data/render --report reports/compare-renders
    """  # noqa: E501  an example is one line to copy
    run(
        real=real, val=val, report=report, cache=cache, levers=levers, chosen=lever or [], base=base,
        seeds=parse_seeds(seed or [0, 1]), lengths=parse_lengths(people, epochs, label_epochs if labels else 0),
        labels=labels, params=params,
    )  # fmt: skip


def parse_lengths(people: int, epochs: int, label_epochs: int) -> FitLengths:
    """The lengths of a fit. Raises InputError where they do not fit each other."""
    if people < 1 or epochs < 1 or label_epochs < 0 or people % epochs:
        got = f"{epochs} epochs of {people} people, {label_epochs} on labels"
        raise InputError(
            "--epochs does not fit", expected="a divisor of --people, and --label-epochs 0 or more", got=got
        )
    return FitLengths(epochs, label_epochs, people // epochs)


def run(
    *,
    real: Path,
    val: Path,
    report: Path,
    cache: Path,
    levers: Path | None,
    chosen: list[str],
    base: Path | None,
    seeds: tuple[int, ...],
    lengths: FitLengths,
    labels: int,
    params: Path,
) -> None:
    """Render, fit and score what is missing.

    Raises:
        InputError: an unknown lever, too few labels or pictures.
        ParamsError: the file of levers is malformed.
        EnvironmentFault: rendering or a fit failed.
    """
    listed = read_levers(levers or SHIPPED)
    if unknown := sorted(set(chosen) - set(listed)):
        raise InputError("--lever is unknown", expected=" | ".join(listed), got=unknown[0])
    if labels < 0:
        raise InputError("--labels is negative", expected="0 or more", got=str(labels))
    for people in (real, val, *([base / "people.json"] if base else [])):
        read_json(people)  # before hours of work
    if labels:
        refuse_shared_pictures({"--real": read_project_people(real)[1], "--val": read_project_people(val)[1]})
    words = command_line(
        "compare-renders", real=real, val=val, cache=cache, base=base or [], levers=levers or [],
        lever=chosen, seed=seeds, people=lengths.epochs * lengths.people_per_epoch,
        epochs=lengths.epochs, labels=labels, label_epochs=lengths.label_epochs or [],
    )  # fmt: skip
    LeverStudy(
        report=report,
        levers={name: given for name, given in listed.items() if not chosen or name in chosen or name == BASE},
        seeds=seeds,
        lengths=lengths,
        sets=RenderSets(params, cache, report / "sets", render, base),
        real=real,
        val=val,
        labels=labels,
        words=words,
    ).run()
