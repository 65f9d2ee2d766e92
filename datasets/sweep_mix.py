"""Command `sweep-mix`: which ratio of synthetic to real people is best on this data, measured by `dvc exp`.

Each trial is an experiment of DVC in a folder of its own, so the checkout stays as it is. Its name tells ratio, seed
and a mark of everything else that decides the result; a sweep that was stopped runs only what is missing.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Annotated

import typer

from dataengine.errors import InputError
from dataengine.mixing import LARGEST_DENOMINATOR
from dataengine.progress import track
from dataengine.studies.dvc_project import DvcProject

from .studies.mix_report import Trial, write_sweep

MARK_DIGITS = 8
STAGES = ("fit-teacher", "fit-student")
METRIC = "val_oks_ap"
SWEPT = ("mix.synthetic_per_real", "mix.seed", *(f"{stage}.seed" for stage in STAGES))


@dataclass(frozen=True)
class Sweep:
    """What is tried."""

    ratios: tuple[Fraction, ...]
    """Synthetic people drawn per real person drawn."""
    seeds: tuple[int, ...]
    """Of the mix and of the networks that are fitted."""
    stage: str
    """The stage whose validation AP is compared."""
    settings: tuple[str, ...] = ()
    """Further params, as `dvc exp run -S` takes them."""

    def trials(self) -> list[Trial]:
        """Seed by seed, so that a sweep that was stopped has compared all ratios alike."""
        return [Trial(ratio, seed) for seed in self.seeds for ratio in self.ratios]

    def params_of(self, trial: Trial) -> list[str]:
        """What `dvc exp run -S` is given for a trial."""
        fitted = STAGES[: STAGES.index(self.stage) + 1]
        chosen = [f"mix.synthetic_per_real={float(trial.ratio)!r}", f"mix.seed={trial.seed}"]
        return [*chosen, *(f"{stage}.seed={trial.seed}" for stage in fitted), *self.settings]


def command(
    report: Annotated[Path, typer.Option(help="Folder for the plot, the table and the log; read again to go on.")],
    ratio: Annotated[list[str] | None, typer.Option(help="Synthetic per real, 1/3 or 0.5; repeat it.")] = None,
    seed: Annotated[list[int] | None, typer.Option(help="Repeat it; intervals need two or more.")] = None,
    stage: Annotated[str, typer.Option(help="fit-teacher, or fit-student with all stages up to it.")] = STAGES[0],
    setting: Annotated[
        list[str] | None, typer.Option("--set", help="A param of all trials, section.key=value.")
    ] = None,
) -> None:
    """Fit the network at several ratios of synthetic to real people and plot the validation AP, averaged over seeds.

    The default ratio of 1 : 3 is a place to start: we know of no source that makes it best, and what is best depends on
    the real data there are and on how like them the rendered people look. Stopped, the same command goes on. Trials are
    experiments: `dvc exp show` lists them, `dvc exp apply` takes one over. Nothing in the checkout is changed but REPORT.

    Example: dataengine sweep-mix --ratio 0 --ratio 1/6 --ratio 1/3 --ratio 1 --seed 0 --seed 1 --set fit-teacher.epochs=4 --report reports/sweep-mix
    """  # noqa: E501  an example is one line to copy
    sweep = parse_sweep(ratio or ["0", "1/6", "1/3", "1"], seed or [0, 1], stage, setting or [])
    run(sweep, report)


def parse_sweep(ratios: Sequence[str], seeds: Sequence[int], stage: str, settings: Sequence[str]) -> Sweep:
    """Raises InputError for what makes no sweep."""
    if stage not in STAGES:
        raise InputError("--stage is unknown", expected=" or ".join(STAGES), got=stage)
    for setting in settings:
        key, equals, _ = setting.partition("=")
        if (
            not equals
            or "." not in key
            or key in {"mix.synthetic_per_real", "mix.seed", *(f"{s}.seed" for s in STAGES)}
        ):
            raise InputError("--set cannot be used", expected="section.key=value, neither ratio nor seed", got=setting)
    if min(seeds) < 0:
        raise InputError("--seed is negative", expected="0 or more", got=str(min(seeds)))
    parsed = sorted({_parse_ratio(text) for text in ratios})
    return Sweep(tuple(parsed), tuple(sorted(set(seeds))), stage, tuple(settings))


def run(sweep: Sweep, report: Path) -> None:
    """Run what is missing, then write the plot and the table.

    Raises:
        InputError: a trial fails.
        EnvironmentFault: this is no project of git and DVC.
    """
    project = DvcProject(Path.cwd(), report / "sweep.log")
    project.repro("mix")  # once: trials take fetched, rendered and balanced people over
    names = {trial: _name(trial, _mark(sweep, project)) for trial in sweep.trials()}
    metrics = project.experiment_metrics(sweep.stage)
    missing = [trial for trial, name in names.items() if METRIC not in metrics.get(name, {})]
    typer.echo(f"sweep-mix: {len(names) - len(missing)} of {len(names)} trials are known", err=True)
    for trial in track(missing, "sweep mix", unit="trial"):
        if names[trial] in metrics:  # of a run that measured nothing
            project.remove_experiment(names[trial])
        project.run_experiment(names[trial], sweep.params_of(trial), sweep.stage)
    metrics = project.experiment_metrics(sweep.stage) if missing else metrics
    known = {trial: metrics[name][METRIC] for trial, name in names.items() if METRIC in metrics.get(name, {})}
    lost = [names[trial] for trial in names if trial not in known]
    if lost:
        raise InputError(f"experiment {lost[0]} has no {METRIC}", mend=f"see {project.log}")
    write_sweep(report, known, sweep.stage, sweep.settings)
    typer.echo(f"sweep-mix: {report / 'sweep.png'} and {report / 'sweep.md'}", err=True)


def _parse_ratio(text: str) -> Fraction:
    try:
        ratio = Fraction(text).limit_denominator(LARGEST_DENOMINATOR)
    except (ValueError, ZeroDivisionError) as error:
        raise InputError("--ratio is no number", expected="1/3 or 0.5", got=text) from error
    if ratio < 0:
        raise InputError("--ratio is negative", expected="0 or more", got=text)
    return ratio


def _name(trial: Trial, mark: str) -> str:
    return f"mix-{trial.ratio.numerator}per{trial.ratio.denominator}-seed{trial.seed}-{mark}"


def _mark(sweep: Sweep, project: DvcProject) -> str:
    """Of all but ratio and seed: settings, the mix's inputs, and what differs from the commit, apart from texts."""
    parts = [sweep.stage, list(sweep.settings), project.dependencies("mix"), project.changes()]
    return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()[:MARK_DIGITS]
