"""What a sweep over the ratio of synthetic to real people runs: every ratio with every seed."""

from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction

from dataengine.studies.settings import FIT_STAGES

RATIO, MIX_SEED = "mix.synthetic_per_real", "mix.seed"
OWNED = frozenset({RATIO, MIX_SEED, *(f"{stage}.seed" for stage in FIT_STAGES)})
"""Params that the study sets itself."""


@dataclass(frozen=True)
class MixTrial:
    """One fit."""

    ratio: Fraction
    """Synthetic people drawn per real person drawn."""
    seed: int
    """Seed of the mix and of the networks that are fitted."""

    def text(self) -> str:
        """Text for the names of experiments."""
        return f"mix-{self.ratio.numerator}per{self.ratio.denominator}-seed{self.seed}"


@dataclass(frozen=True)
class MixPlan:
    """What a sweep tries."""

    ratios: tuple[Fraction, ...]
    seeds: tuple[int, ...]
    stage: str
    """The stage whose validation AP is compared."""
    settings: Mapping[str, str]
    """Further params of all trials."""

    def trials(self) -> list[MixTrial]:
        """Seed by seed, so that a sweep that was stopped has compared all ratios alike."""
        return [MixTrial(ratio, seed) for seed in self.seeds for ratio in self.ratios]

    def params_of(self, trial: MixTrial) -> dict[str, str]:
        """Params of a trial."""
        fitted = FIT_STAGES[: FIT_STAGES.index(self.stage) + 1]
        seeds = {f"{stage}.seed": str(trial.seed) for stage in fitted}
        return {RATIO: repr(float(trial.ratio)), MIX_SEED: str(trial.seed), **seeds, **self.settings}
