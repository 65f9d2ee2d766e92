"""Command `compare-rounds`: what a fine-tuning round costs and forgets compared with a full fit, run by `dvc exp`.

Every fit is a DVC experiment in a folder of its own, so the checkout stays as it is. In `studies/rounds/`, `plan.py`
lists the fits, `runner.py` runs them and `report.py` writes the results.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer

from dataengine.errors import InputError
from dataengine.studies.settings import FIT_STAGES, parse_seeds, parse_settings, parse_stage, section_of
from dataengine.terminal.folders import folder_option, out_folder_option

from .studies.rounds.plan import MIX_FOLDER, OWNED, TEST_FILE, RoundPlan
from .studies.rounds.runner import RoundStudy


def command(
    base: Annotated[Path, folder_option(help="The earlier network: a checkpoint folder inside the project.")],
    old: Annotated[
        Path, folder_option(help=f"Data of its round: a folder with {MIX_FOLDER}, {TEST_FILE} and their images.")
    ],
    report: Annotated[
        Path, out_folder_option(help="Folder for the page, the plot and each fit's figures; a rerun continues from it.")
    ],
    share: Annotated[
        list[float] | None,
        typer.Option(help="Share of old people among a round's draws; repeat it.", show_default="0 and 0.5"),
    ] = None,
    layer_decay: Annotated[
        list[float] | None, typer.Option(help="Layer decay of rounds; repeat it.", show_default="0.8")
    ] = None,
    learning_rate: Annotated[float, typer.Option(help="Learning rate of rounds.")] = 0.0005,
    full_share: Annotated[float, typer.Option(help="Share of old people among the full fit's draws.")] = 0.5,
    people: Annotated[int, typer.Option(help="People that a round sees, old ones included.")] = 5_000,
    full_people: Annotated[int, typer.Option(help="People that the full fit sees, old ones included.")] = 40_000,
    epochs: Annotated[int, typer.Option(help="Epochs of every fit, with a validation after each.")] = 2,
    seed: Annotated[
        list[int] | None,
        typer.Option(help="Seed of a fit; repeat it, intervals need two or more.", show_default="0, 1 and 2"),
    ] = None,
    stage: Annotated[str, typer.Option(help="Stage that fits: " + " | ".join(FIT_STAGES) + ".")] = FIT_STAGES[0],
    setting: Annotated[list[str] | None, typer.Option("--set", help="A param of all fits, section.key=value.")] = None,
) -> None:
    """Fine-tune an earlier network on this checkout's new data; measure what that gains, forgets and costs.

    A full fit from random weights on old and new people is compared with short rounds from the earlier network, with
    and without replay of old people: OKS AP on the new validation people and on the old test people, and the fitting
    time. docs/training.md says how to keep a round's data. A run that was stopped continues with the same command.

    Example: dataengine compare-rounds --base models/round-1 --old data/round-1 --share 0 --share 0.3 --share 0.5 --seed 0 --seed 1 --seed 2 --report reports/compare-rounds
    """  # noqa: E501  an example is one line to copy
    plan = parse_round_plan(
        base=base,
        old=old,
        shares=share or [0.0, 0.5],
        layer_decays=layer_decay or [0.8],
        learning_rate=learning_rate,
        full_share=full_share,
        people=people,
        full_people=full_people,
        epochs=epochs,
        seeds=seed or [0, 1, 2],
        stage=stage,
        settings=setting or [],
    )
    run(plan, report=report)


def parse_round_plan(
    *,
    base: Path,
    old: Path,
    shares: Sequence[float],
    layer_decays: Sequence[float],
    learning_rate: float,
    full_share: float,
    people: int,
    full_people: int,
    epochs: int,
    seeds: Sequence[int],
    stage: str,
    settings: Sequence[str],
) -> RoundPlan:
    """The plan that the options ask for. Raises InputError for values out of range and for missing folders."""
    bad_shares = [share for share in (*shares, full_share) if not 0 <= share < 1]
    if bad_shares:
        raise InputError("--share and --full-share", expected="0 or more and below 1", got=str(bad_shares[0]))
    if not all(0 < decay <= 1 for decay in layer_decays):
        raise InputError("--layer-decay", expected="above 0 and at most 1", got=" ".join(map(str, layer_decays)))
    if not learning_rate > 0:
        raise InputError("--learning-rate", expected="above 0", got=str(learning_rate))
    if epochs < 1 or min(people, full_people) < epochs:
        got = f"{people} and {full_people} people in {epochs} epochs"
        raise InputError(
            "--people, --full-people and --epochs", expected="one epoch or more, with a person in each", got=got
        )
    return RoundPlan(
        stage=parse_stage(stage),
        base=_inside(base, "--base"),
        old=_inside(old, "--old"),
        shares=tuple(sorted(set(shares))),
        layer_decays=tuple(sorted(set(layer_decays), reverse=True)),
        learning_rate=learning_rate,
        full_share=full_share,
        seeds=parse_seeds(seeds),
        people=people,
        full_people=full_people,
        epochs=epochs,
        settings=_parse_settings(settings, stage),
    )


def run(plan: RoundPlan, *, report: Path) -> None:
    """Run the fits that are missing. Raises what `Study.run` raises; InputError if the earlier round lacks a file."""
    RoundStudy(plan=plan, report=report).run()


def _parse_settings(settings: Sequence[str], stage: str) -> dict[str, str]:
    params = parse_settings(settings, {f"{stage}.{key}" for key in OWNED})
    others = [f"{key}={value}" for key, value in params.items() if section_of(key) != stage]
    if others:
        fix = "set it in params.yaml: fits use the checkout's data as they are"
        raise InputError("--set changes another stage", expected=f"{stage}.key=value", got=others[0], fix=fix)
    return params


def _inside(path: Path, option: str) -> Path:
    """`path` relative to the project, as an experiment finds it in its own folder."""
    if not path.is_dir():
        raise InputError(f"{option} is not a folder", got=str(path))
    try:
        return path.resolve().relative_to(Path.cwd().resolve())
    except ValueError as error:
        fix = "copy it to data/ or models/"
        raise InputError(
            f"{option} lies outside the project", expected=str(Path.cwd()), got=str(path), fix=fix
        ) from error
