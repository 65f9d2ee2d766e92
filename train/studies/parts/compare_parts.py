"""Command `compare-parts`: which parts of today's recipes pay on validation people, each fitted alone."""

from dataclasses import replace
from pathlib import Path
from typing import Annotated

import typer

from dataengine.errors import InputError
from dataengine.params import load_section
from dataengine.studies.page import command_line
from dataengine.studies.settings import parse_seeds
from dataengine.terminal.folders import folder_option, out_folder_option
from dataengine.terminal.options import PARAMS_FILE, ParamsFile

from ...fit.origin import STARTER, named_checkpoint
from ...fit.params import BASE, FitParams
from .plan import PARTS
from .runner import PartStudy


def command(
    mix: Annotated[Path, folder_option(help="Folder that the stage mix wrote: what is learnt from.")],
    val: Annotated[Path, typer.Option(help="COCO JSON of the validation people that all are measured on.")],
    report: Annotated[Path, out_folder_option(help="Folder for the page and the fits; read again to go on.")],
    part: Annotated[
        list[str] | None, typer.Option(help=f"Part, {' | '.join(PARTS)}; repeat it.", show_default="all")
    ] = None,
    seed: Annotated[list[int] | None, typer.Option(help="Seed; repeat it.", show_default="0, 1 and 2")] = None,
    people: Annotated[int, typer.Option(help="People that every fit sees, in all epochs together.")] = 12_000,
    epochs: Annotated[int, typer.Option(help="Epochs of each fit, a divisor of --people.")] = 4,
    start: Annotated[str, typer.Option(help="none (random weights), starter, or a checkpoint folder.")] = "none",
    params: ParamsFile = PARAMS_FILE,
) -> None:
    """Fit with each part of today's recipes alone, and show its gain in validation AP over the fit as it is.

    Parts: half bodies (augment.half_body_share), two stages (the last quarter of the epochs with weak augmentation),
    RTMPose's head on the fit's labels, and on its own; a spread learnt by maximum likelihood, alone and next to the
    fit's losses; presence of joints in the crop, alone and with half bodies. Never give it test people: it is there to
    choose by. Section fit-teacher, with fit, is what each part changes. Shows also how well each part's confidence is
    calibrated, and how well it tells joints outside of the crop. A study that was stopped goes on with the same command.

    Example: dataengine compare-parts --mix data/mix --val data/ingest/val.json --seed 0 --seed 1 --report reports/compare-parts
    """  # noqa: E501  an example is one line to copy
    parts, seeds = list(dict.fromkeys(part or PARTS)), parse_seeds(seed or [0, 1, 2])
    unknown = sorted(set(parts) - set(PARTS))
    if unknown:
        raise InputError("--part is unknown", expected=" | ".join(PARTS), got=unknown[0])
    if epochs < 1 or people < epochs or people % epochs:
        raise InputError("--epochs does not fit", expected="a divisor of --people", got=f"{epochs} of {people}")
    section = load_section(params, "fit-teacher", FitParams, base=BASE)
    if start not in ("none", STARTER):
        named_checkpoint(start, "--start")
    origin = None if start == "none" else start
    asked = {"part": parts, "seed": seeds, "people": people, "epochs": epochs, "start": start}
    PartStudy(
        params=params,
        recipe=replace(section, epochs=epochs, people_per_epoch=people // epochs, start_from=origin),
        parts=parts,
        seeds=seeds,
        mix=mix,
        val=val,
        line=command_line("compare-parts", mix=mix, val=val, **asked),
        report=report,
    ).run()
