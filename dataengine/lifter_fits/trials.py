"""The fits of `compare-lifters`: one lifter for each receptive field, way to learn and seed, kept on the disk."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from math import prod
from pathlib import Path

from dataengine.errors import ParamsError
from dataengine.files import read_json, write_json
from dataengine.lifting.checkpoint import save_lifter
from dataengine.lifting.fitting import LifterData, fit_lifter, forget_state
from dataengine.lifting.params import LifterParams
from dataengine.studies.settings import arrays_hash, json_hash
from dataengine.typed_record import RECORDS

from .accuracy import LiftAccuracy, lift_accuracy
from .teacher_tracks import SeenTrack

SUPERVISED, SEMI_SUPERVISED = "supervised", "semi-supervised"


@dataclass(frozen=True)
class LifterTrial:
    """One fit."""

    filter_widths: tuple[int, ...]
    way: str
    """`SUPERVISED` or `SEMI_SUPERVISED`."""
    seed: int

    @property
    def receptive_field(self) -> int:
        """Frames."""
        return prod(self.filter_widths)

    @property
    def name(self) -> str:
        """That of its folder."""
        return f"{self.receptive_field}-{self.way}-{self.seed}"


@dataclass(frozen=True)
class TrialResult:
    """How good a trial's lifter is on each set."""

    trial: LifterTrial
    accuracy: dict[str, LiftAccuracy]


def planned(fields: Sequence[int], seeds: Sequence[int], semi: bool) -> list[LifterTrial]:
    """All trials, seed by seed, so that a study that was stopped early compares like with like."""
    ways = (SUPERVISED, SEMI_SUPERVISED) if semi else (SUPERVISED,)
    return [LifterTrial(widths_of(each), way, seed) for seed in seeds for each in fields for way in ways]


def widths_of(field: int) -> tuple[int, ...]:
    """Filters of width 3 whose receptive field is `field`, a power of 3; for 1, two of width 1.

    >>> [widths_of(field) for field in (1, 27)]
    [(1, 1), (3, 3, 3)]
    """
    for power in range(8):
        if 3**power == field:
            return (3,) * power or (1, 1)
    raise ParamsError("--fields does not fit", expected="1, 3, 9, 27, 81, 243, 729 or 2187", got=str(field))


def trial_result(
    trial: LifterTrial,
    params: LifterParams,
    data: LifterData,
    sets: Mapping[str, Sequence[SeenTrack]],
    fits: Path,
) -> TrialResult:
    """Fit and measure the trial, or read what is kept in `fits` of the same fit on the same sets."""
    own = replace(params, filter_widths=trial.filter_widths, seed=trial.seed)
    given = data if trial.way == SEMI_SUPERVISED else replace(data, unlabelled=())
    shown = {name: arrays_hash(part for each in tracks for part in each.arrays) for name, tracks in sets.items()}
    fingerprint = json_hash([asdict(own), given.fingerprint()])
    folder = fits / trial.name
    measured = json_hash([fingerprint, shown])
    kept = folder / "accuracy.json"
    if kept.is_file():
        record = read_json(kept)
        if isinstance(record, dict) and record.get("measured") == measured:
            of = record.get("accuracy", {})
            return TrialResult(trial, {k: RECORDS.record(LiftAccuracy, v, str(kept)) for k, v in of.items()})
    net, losses = fit_lifter(folder, own, given)
    save_lifter(folder, net, own, {"command": "compare-lifters", "way": trial.way, "losses": losses})
    accuracy = {name: lift_accuracy(net, own, tracks) for name, tracks in sets.items()}
    of = {name: asdict(each) for name, each in accuracy.items()}
    write_json(kept, {"measured": measured, "fit": fingerprint, "accuracy": of})
    forget_state(folder)
    return TrialResult(trial, accuracy)
