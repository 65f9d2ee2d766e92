"""One fit of the study: renders alone, then a few labelled photographs, by the stage fit-teacher in one curriculum."""

import csv
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import yaml

from dataengine.coco_json import write_people
from dataengine.errors import EnvironmentFault, InputError
from dataengine.files import atomic_path, read_json
from dataengine.labelled_set import joined
from dataengine.mixing import MixRecipe, write_recipe
from dataengine.params import load_values
from dataengine.people import Images, People
from dataengine.terminal.programs import exit_code

from .lever import laid_over

STAGE = "fit-teacher"
CURVES = {"pck": "val_pck_02", "ap": "val_oks_ap"}


@dataclass(frozen=True)
class FitLengths:
    """How long a fit is."""

    epochs: int
    """On renders alone; each ends with a validation."""
    label_epochs: int
    """On labelled photographs alone, after that; 0 without labels."""
    people_per_epoch: int


@dataclass(frozen=True)
class LeverFigures:
    """On the validation people, each in 0..1."""

    pck: float
    """Share of labelled joints within 0.2 of the torso."""
    ap: float
    """OKS AP."""


@dataclass(frozen=True)
class LeverOutcome:
    """What one fit achieved."""

    renders: LeverFigures
    """After renders alone."""
    labels: LeverFigures | None
    """After the labelled photographs; None without."""
    people: int
    """Rendered people that could be drawn."""
    seconds: float | None
    """Time of fitting, without validation."""


def write_mix(folder: Path, rendered: tuple[People, Images], real: tuple[People, Images] | None, seed: int) -> None:
    """Write what the stage mix leaves for a fit, with nobody repeated."""
    people, images = joined([rendered, *([real] if real else [])])
    people = people.with_extra("repeat_factor", np.ones(len(people)))
    write_people(folder / "train.json", people, images)
    write_recipe(folder / "recipe.json", MixRecipe(0.0, 0.0, seed, None if real else "synthetic"))


def section(params_file: Path, lengths: FitLengths, seed: int, changes: Mapping[str, Any]) -> dict[str, Any]:
    """Section fit-teacher of one fit: from random weights, with `changes`. Section fit stays what both fits share."""
    phases: list[dict[str, Any]] = [{"epochs": lengths.epochs, "only": "synthetic"}]
    phases += [{"epochs": lengths.label_epochs, "only": "real"}] if lengths.label_epochs else []
    own = {
        **{"seed": seed, "epochs": lengths.epochs + lengths.label_epochs, "curriculum": phases},
        **{"people_per_epoch": lengths.people_per_epoch, "start_from": None, "pretrained": None, "only": None},
        **{"patience": 0, "ship": "last", "old_test": None, "replay": {"mix": None, "share": 0.0}},
    }
    return laid_over({**load_values(params_file, STAGE), **own}, changes)


def fit(params_file: Path, mix: Path, val: Path, own: Mapping[str, Any], folder: Path) -> None:
    """Run the stage with section `own` into `folder`, going on where an earlier call was stopped.

    Raises:
        EnvironmentFault: it failed; what it said stands above.
    """
    params = folder / "params.yaml"
    sections = {name: load_values(params_file, name) for name in ("fit", "oks")} | {STAGE: dict(own)}
    with atomic_path(params) as partial:
        partial.write_text(yaml.safe_dump(sections, sort_keys=False), encoding="utf-8")
    paths = {"params": params, "mix": mix, "val": val, "out": folder / "network", "report": folder / "report"}
    words = [word for name, path in paths.items() for word in (f"--{name}", str(path))]
    code = exit_code([sys.executable, "-m", "dataengine", STAGE, *words])
    if code:
        raise EnvironmentFault("a network could not be fitted", got=f"exit code {code}", fix="see above")


def read_outcome(folder: Path, lengths: FitLengths, people: int) -> LeverOutcome:
    """What the fit in `folder` achieved at the end of each phase."""
    metrics = read_json(folder / "report" / "metrics.json")
    last = lengths.epochs + lengths.label_epochs
    rate = metrics.get("images_per_s", 0.0)
    return LeverOutcome(
        renders=_figures(folder / "report", lengths.epochs - 1),
        labels=_figures(folder / "report", last - 1) if lengths.label_epochs else None,
        people=people,
        seconds=last * lengths.people_per_epoch / rate if rate else None,
    )


def _figures(report: Path, epoch: int) -> LeverFigures:
    return LeverFigures(
        **{name: _value(report / "plots" / "metrics" / f"{curve}.tsv", epoch) for name, curve in CURVES.items()}
    )


def _value(path: Path, epoch: int) -> float:
    with path.open(encoding="utf-8", newline="") as lines:
        rows = list(csv.DictReader(lines, delimiter="\t"))
    if len(rows) <= epoch:
        raise InputError(f"{path} is too short", expected=f"{epoch + 1} epochs", got=str(len(rows)))
    return float(rows[epoch][path.stem])
