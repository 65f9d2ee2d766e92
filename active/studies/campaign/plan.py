"""What a campaign plays through: arms, seeds, rounds, and the names of what is kept."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass

from dataengine.studies.settings import json_hash

START = "start"
"""Instead of an arm: round 0, which all arms of a seed share."""
ENGINE, RANDOM, UNDIRECTED = "engine", "random", "undirected"


@dataclass(frozen=True)
class Arm:
    """A way to spend the same number of labels."""

    meaning: str
    selects: bool
    """Labels are chosen by `select`; else at random."""
    renders: bool
    """Renders join the real people, and pseudo-labels where they pay."""
    asks: bool
    """Renders are those that the failures of the round before ask for; else as many of the library."""


ARMS: Mapping[str, Arm] = {
    ENGINE: Arm(
        "selection, pseudo-labels where they pay, renders that the last round's failures ask for", True, True, True
    ),
    RANDOM: Arm("as many labels at random, and nothing else", False, False, False),
    UNDIRECTED: Arm("the engine with as many renders of the library instead of those asked for", True, True, False),
}
"""In the order in which a round of each is played: `undirected` renders as many as `engine` did."""


@dataclass(frozen=True, order=True)
class CampaignRound:
    """One round of one arm."""

    arm: str
    """Key of `ARMS`; START for round 0."""
    seed: int
    number: int

    @property
    def before(self) -> CampaignRound:
        """The round whose network and requests this one goes on from."""
        return CampaignRound(self.arm if self.number > 1 else START, self.seed, self.number - 1)


@dataclass(frozen=True, kw_only=True)
class CampaignPlan:
    """What is compared."""

    arms: tuple[str, ...]
    seeds: tuple[int, ...]
    start: int
    """Images with labels in round 0."""
    step: int
    """Images that are labelled in a round."""
    rounds: int
    candidates: int
    """Images without labels that a round looks at."""
    base_renders: int
    """Renders of the library in every arm with renders."""
    renders: int
    """Renders that a round's requests get."""
    people: int
    """Seen by every fit, in all its epochs together."""
    epochs: int
    settings: Mapping[str, str]
    """Further params."""

    def trials(self) -> list[CampaignRound]:
        """Seed by seed and round by round, so that a campaign that was stopped has treated the arms alike."""
        return [
            trial
            for seed in self.seeds
            for trial in [
                CampaignRound(START, seed, 0),
                *(CampaignRound(arm, seed, number) for number in range(1, self.rounds + 1) for arm in self.arms),
            ]
        ]

    def labels(self, trial: CampaignRound) -> int:
        """Images with labels in a round."""
        return self.start + trial.number * self.step

    def name(self, trial: CampaignRound, decides: object) -> str:
        """Name of a round: another one where anything that decides its result has changed."""
        own = {key: value for key, value in asdict(self).items() if key not in ("arms", "seeds", "rounds")}
        return f"{trial.arm}-seed{trial.seed}-round{trial.number}-{json_hash([decides, own])}"
