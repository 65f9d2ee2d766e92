"""What a study of fine-tuning rounds runs: a full fit, and rounds that go on from the earlier network.

Rounds differ in how much of what they see is old (`replay.share`) and in how much slower early layers learn
(`layer_decay`). Every fit of a kind sees the same number of people, old ones included, so it takes the same time.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from dataengine.mixing import replay_count
from dataengine.studies.settings import NULL

FULL, ROUND = "full", "round"
MIX_FOLDER, TEST_FILE = "mix", "ingest/test.json"  # inside the folder of an earlier round's data
_KEYS = ("epochs", "layer_decay", "learning_rate", "old_test", "patience", "people_per_epoch", "replay", "seed")
OWNED = frozenset({*_KEYS, "replay.mix", "replay.share", "start_from"})
"""Params of the stage that the study sets itself, without the stage's name."""


@dataclass(frozen=True, order=True)
class Variant:
    """Fits that differ only in their seed."""

    kind: str
    """FULL: from random weights on old and new people. ROUND: from the earlier network."""
    share: float
    """Share of the earlier round's people among all people drawn."""
    layer_decay: float

    def text(self) -> str:
        """The variant in words, for tables."""
        decay = f", decay {self.layer_decay:g}" if self.kind == ROUND else ""
        return f"{self.kind}, {self.share:.0%} old{decay}"


Fit = tuple[Variant, int]
"""A variant and a seed."""


@dataclass(frozen=True)
class RoundPlan:
    """The fits that are compared."""

    stage: str
    base: Path
    """Checkpoint folder of the earlier network."""
    old: Path
    """Data of the round that made it: ingest, render and mix."""
    shares: tuple[float, ...]
    layer_decays: tuple[float, ...]
    learning_rate: float
    """Learning rate of rounds; the full fit has that of params.yaml."""
    full_share: float
    """Share of old people among the full fit's draws."""
    seeds: tuple[int, ...]
    people: int
    """Number of people that a round sees in all its epochs, old ones included."""
    full_people: int
    """Number of people that the full fit sees."""
    epochs: int
    settings: Mapping[str, str]
    """Further params of all fits."""

    def variants(self) -> list[Variant]:
        """All variants, the full fit first."""
        rounds = [Variant(ROUND, share, decay) for decay in self.layer_decays for share in self.shares]
        return [Variant(FULL, self.full_share, 1.0), *rounds]

    def fits(self) -> list[Fit]:
        """Variants with their seeds: seed by seed, so that a study that was stopped has run each equally often."""
        return [(variant, seed) for seed in self.seeds for variant in self.variants()]

    def new_per_epoch(self, variant: Variant) -> int:
        """Number of new people drawn in an epoch, to which replay adds its share."""
        whole = (self.full_people if variant.kind == FULL else self.people) // self.epochs
        return max(1, round(whole * (1 - variant.share)))

    def seen(self, variant: Variant) -> int:
        """People that a fit sees in all its epochs."""
        new = self.new_per_epoch(variant)
        return self.epochs * (new + replay_count(new, variant.share))

    def params_of(self, variant: Variant, seed: int) -> dict[str, str]:
        """Params of a fit."""
        own = {
            "seed": str(seed),
            "epochs": str(self.epochs),
            "patience": "0",
            "people_per_epoch": str(self.new_per_epoch(variant)),
            "old_test": (self.old / TEST_FILE).as_posix(),
            "replay.mix": (self.old / MIX_FOLDER).as_posix() if variant.share else NULL,
            "replay.share": repr(variant.share),
            "layer_decay": repr(variant.layer_decay),
            "start_from": NULL,
        }
        if variant.kind == ROUND:
            own |= {"start_from": self.base.as_posix(), "pretrained": NULL, "learning_rate": repr(self.learning_rate)}
        return {**self.settings, **{f"{self.stage}.{key}": value for key, value in own.items()}}
