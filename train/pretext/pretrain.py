"""Command `pretrain`: teach a network by films without labels, as a start for fits."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Annotated, Any

import typer

from dataengine.errors import InputError
from dataengine.terminal.folders import folder_option, out_folder_option
from dataengine.terminal.options import PARAMS_FILE, ParamsFile
from dataengine.terminal.speech import answer, say

from .params import SECTION, PretrainParams


def command(
    out: Annotated[Path, out_folder_option(help="Checkpoint folder to write: model.safetensors, model.json.")],
    report: Annotated[Path, out_folder_option(help="Folder for metrics.json: what was learnt, by held-out time.")],
    film: Annotated[
        list[Path] | None, typer.Option(help="A film to learn the order of moments from; repeat it.")
    ] = None,
    views: Annotated[
        list[Path] | None,
        folder_option(help="A folder of films by cameras in step, for the agreement of views as well; repeat it."),
    ] = None,
    held_out: Annotated[
        Path | None, typer.Option(help="held_out.json of ingest: frames near those that measure are left out.")
    ] = None,
    fetched: Annotated[
        Path, folder_option(help="Folder that the stage fetch wrote; BlazePose's models are read from its mediapipe/.")
    ] = Path("data/fetch"),
    boxes: Annotated[
        Path | None,
        folder_option(help="Folder with a file of boxes for each film, named as the film, instead of BlazePose."),
    ] = None,
    every: Annotated[int, typer.Option(help="Read every n-th frame.")] = 1,
    detect_every: Annotated[int, typer.Option(help="Of these, BlazePose looks for people in every n-th.")] = 4,
    params: ParamsFile = PARAMS_FILE,
) -> None:
    """Teach a network by films without any label, for a fit to start from.

    Two tasks: which of three moments of a person lies between the others in time, and which crop of another camera
    shows the same moment. For the second, cameras must be in step: frame k of every film is one moment, and it shows
    one person. The end of each film is not learnt from; there both tasks are measured, and a line says whether
    chance is ruled out.

    Section `pretrain` of params.yaml has the weights of the tasks and begins at random weights, or with the starter:
    pretrain.start_from. Then set fit-teacher.start_from to --out: it gives its backbone, and the head it began with. A
    fit that was stopped goes on with the same command.

    Example: dataengine pretrain --views data/fetch/pose2sim --held-out data/ingest/held_out.json --out models/pretrain --report reports/pretrain
    """  # noqa: E501  an example is one line to copy
    from ..fit.start import load_settled

    run(
        load_settled(params, SECTION, PretrainParams),
        films=film or [],
        views=views or [],
        out=out,
        report=report,
        held_out=held_out,
        fetched=fetched,
        boxes=boxes,
        every=every,
        detect_every=detect_every,
    )


def run(
    params: PretrainParams,
    *,
    films: Sequence[Path],
    views: Sequence[Path],
    out: Path,
    report: Path,
    held_out: Path | None = None,
    fetched: Path = Path("data/fetch"),
    boxes: Path | None = None,
    every: int = 1,
    detect_every: int = 4,
) -> dict[str, Any]:
    """Fit, write the checkpoint, and return what metrics.json holds.

    Raises:
        InputError: an option does not fit, a folder to write holds something else, or the films are too short, not in
            step, the same, or show no one.
    """
    import numpy as np

    from dataengine.leakage.held_out import read_held_out

    from ..fit.start import crop_spec, model_meta, with_taught, within_section
    from .blocks import part
    from .films import read_films
    from .fitting import pretrain_network
    from .inputs import box_files, detector_of, film_groups, refuse_outputs
    from .measuring import measured
    from .written import film_facts, write_pretrained

    for name, value in (("--every", every), ("--detect-every", detect_every)):
        if value < 1:
            raise InputError(f"{name} does not fit", expected="1 or more", got=str(value))
    refuse_outputs(out, report)
    groups = film_groups(films, views)
    boxed = box_files(groups, boxes) if boxes is not None else {}
    if held_out is None:
        say("pretrain: no --held-out, so everything in the films is learnt from")
    read = read_films(
        groups,
        partial(detector_of, fetched=fetched, boxes=boxed, every=detect_every),
        crop_spec(params),
        every=every,
        most=params.most_crops,
        held_out=read_held_out(held_out) if held_out else None,
    )
    if held_out is not None and not any(film.held_frames for group in read for film in group):
        say(f"pretrain: {held_out} holds out nothing of these films: all that they show is learnt from")
    parted = part(read, params)
    if params.views_weight and not views:
        say("pretrain: no --views, so the agreement of views is not learnt")
    with within_section(SECTION):
        meta = model_meta(params)
        meta = with_taught(meta, params, np.zeros(len(meta.keypoints), dtype=bool))
    fitted = pretrain_network(params, meta, parted, out)
    found = measured(fitted.model, parted, params, crop_spec(params), fitted.device)
    metrics = write_pretrained(out, report, params, meta, fitted, film_facts(read), found)
    for name, each in found.items():
        answer(f"{name}: {each.line()}")
    if not any(each.learnt for each in found.values()):
        say("pretrain: nothing was learnt; use longer films, more epochs, or cameras that are in step")
    return metrics
