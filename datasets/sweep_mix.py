"""Command `sweep-mix`: which ratio of synthetic to real people is best on this data, measured by `dvc exp`.

Each trial is an experiment of DVC in a folder of its own, so the checkout stays as it is. Its name holds ratio, seed
and a hash of everything else that decides the result; a sweep that was stopped runs only the missing trials. In
`studies/mix/`, `plan.py` lists the trials, `runner.py` runs them, `report.py` writes up what was found.
"""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path
from typing import Annotated

import typer

from dataengine.errors import InputError
from dataengine.mixing import LARGEST_DENOMINATOR
from dataengine.studies.settings import FIT_STAGES, parse_seeds, parse_settings, parse_stage
from dataengine.terminal.folders import out_folder_option

from .studies.mix.plan import OWNED, MixPlan
from .studies.mix.runner import MixStudy


def command(
    report: Annotated[Path, out_folder_option(help="Folder for the plot, the table and the log; read again to go on.")],
    ratio: Annotated[
        list[str] | None,
        typer.Option(help="Synthetic per real, such as 1/3 or 0.5; repeat it.", show_default="0, 1/6, 1/3 and 1"),
    ] = None,
    seed: Annotated[
        list[int] | None, typer.Option(help="Seed; repeat it, intervals need two or more.", show_default="0 and 1")
    ] = None,
    stage: Annotated[
        str, typer.Option(help="Stage whose validation AP counts: fit-teacher, or fit-student with all before it.")
    ] = FIT_STAGES[0],
    setting: Annotated[
        list[str] | None, typer.Option("--set", help="Param for all trials, section.key=value; repeat it.")
    ] = None,
) -> None:
    """Fit the network at several ratios of synthetic to real people and plot the validation AP, averaged over seeds.

    The default ratio of 1 : 3 is a place to start: no source is known that shows it to be best. The best one depends on
    the real data and on how much the rendered people look like them.

    Needs a commit of the pipeline; stages up to mix are run first. Writes REPORT/sweep.md, its plot and sweep.json once
    all trials are done, and changes nothing else in the checkout. A sweep that was stopped goes on with the same
    command. Trials are experiments of DVC: `dvc exp show` lists them, `dvc exp apply` brings one into the checkout.

    Example: dataengine sweep-mix --ratio 0 --ratio 1/6 --ratio 1/3 --ratio 1 --seed 0 --seed 1 --set fit-teacher.epochs=4 --report reports/sweep-mix
    """  # noqa: E501  an example is one line to copy
    plan = parse_mix_plan(
        ratios=ratio or ["0", "1/6", "1/3", "1"], seeds=seed or [0, 1], stage=stage, settings=setting or []
    )
    run(plan, report=report)


def parse_mix_plan(*, ratios: Sequence[str], seeds: Sequence[int], stage: str, settings: Sequence[str]) -> MixPlan:
    """Raises InputError where these do not make a sweep."""
    return MixPlan(
        ratios=tuple(sorted({_parse_ratio(text) for text in ratios})),
        seeds=tuple(sorted(parse_seeds(seeds))),
        stage=parse_stage(stage),
        settings=parse_settings(settings, OWNED),
    )


def run(plan: MixPlan, *, report: Path) -> None:
    """Run the missing trials, then write the plot and the table. Raises: see `Study.run`."""
    MixStudy(plan=plan, report=report).run()


def _parse_ratio(text: str) -> Fraction:
    try:
        ratio = Fraction(text).limit_denominator(LARGEST_DENOMINATOR)
    except (ValueError, ZeroDivisionError) as error:
        raise InputError("--ratio is not a number", expected="1/3 or 0.5", got=text) from error
    if ratio < 0:
        raise InputError("--ratio is negative", expected="0 or more", got=text)
    return ratio
