"""Command `compare-distilled`: what a teacher adds to each network of a chain, on the same data."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from dataengine.errors import InputError
from dataengine.studies.page import command_line
from dataengine.studies.settings import assignments, parse_seeds, parse_settings
from dataengine.terminal.folders import folder_option, out_folder_option
from dataengine.terminal.options import PARAMS_FILE, ParamsFile

from .plan import OWNED, STARTS, DistilPlan, parse_networks, parted_settings
from .runner import DistilStudy

CHAIN = ("hrnet-w48", "hrnet-w32", "small=residual")


def command(
    mix: Annotated[Path, folder_option(help="Folder that the stage mix wrote: what is learnt from.")],
    val: Annotated[Path, typer.Option(help="COCO JSON of the validation people that all are measured on.")],
    report: Annotated[Path, out_folder_option(help="Folder for the page, the plot and the fits; read again to go on.")],
    test: Annotated[
        Path | None, typer.Option(help="COCO JSON of test people, measured as well.", show_default="none")
    ] = None,
    network: Annotated[
        list[str] | None,
        typer.Option(help="NAME or LABEL=NAME of a network, largest first; repeat it.", show_default=" ".join(CHAIN)),
    ] = None,
    seed: Annotated[list[int] | None, typer.Option(help="Seed; repeat it.", show_default="0, 1 and 2")] = None,
    people: Annotated[int, typer.Option(help="People that every fit sees, in all epochs together.")] = 12_000,
    epochs: Annotated[int, typer.Option(help="Epochs of each fit, a divisor of --people.")] = 4,
    start: Annotated[
        str, typer.Option(help=f"First weights, {' | '.join(STARTS)} (for the network it fits).")
    ] = "none",
    setting: Annotated[
        list[str] | None,
        typer.Option("--set", help="Param of all fits, fit-student.key=value, or of one network, LABEL.key=value."),
    ] = None,
    runs: Annotated[int, typer.Option(help="Least number of timed runs of each network.")] = 20,
    params: ParamsFile = PARAMS_FILE,
) -> None:
    """Fit a chain of networks alone and taught, each by every larger one, and show what a teacher adds.

    Of three networks W48, W32 and small these are seven fits a seed: the three alone, W32 taught by W48, small taught
    by W32, by W48, and by the W32 that W48 has taught. All see the same people in the same crops and draws. A teacher
    teaches as `fit-student.distill` says: by its answers (output_weight, temperature) and its features
    (feature_weight). Head, crop and normalisation are the same in all of them: bins of SimCC say nothing to a heatmap,
    so `--set fit.head=heatmap` changes the whole chain. Networks of others, in ONNX, give no answers of that kind; what
    their labels are worth `compare-students --teacher` measures.

    Writes REPORT/distillation.md and its plot: AP with the gain by seed, multiplications, parameters, milliseconds a
    crop, seconds of fitting. A study that was stopped goes on with the same command, within a fit, too.

    Example: dataengine compare-distilled --mix data/mix --val data/ingest/val.json --set fit.input_width_px=96 --set fit.input_height_px=96 --people 3000 --seed 0 --seed 1 --report reports/compare-distilled
    """  # noqa: E501  an example is one line to copy
    if start not in STARTS:
        raise InputError("--start is unknown", expected=" | ".join(STARTS), got=start)
    if epochs < 1 or people < epochs or people % epochs:
        raise InputError("--epochs does not fit", expected="a divisor of --people", got=f"{epochs} of {people}")
    if runs < 1:
        raise InputError("--runs is too small", expected="1 or more", got=str(runs))
    networks = parse_networks(network or list(CHAIN))
    further = parse_settings(setting or [], OWNED)
    shared, own = parted_settings(further, networks)
    seeds = parse_seeds(seed or [0, 1, 2])
    line = command_line(
        "compare-distilled",
        mix=mix,
        val=val,
        **({"test": test} if test else {}),
        network=network or list(CHAIN),
        seed=seeds,
        people=people,
        epochs=epochs,
        start=start,
        set=assignments(further),
    )
    DistilStudy(
        plan=DistilPlan(
            networks=networks, seeds=seeds, people=people, epochs=epochs, start=start, settings=shared, own=own
        ),
        mix=mix,
        val=val,
        test=test,
        params=params,
        runs=runs,
        line=line,
        report=report,
    ).run()
