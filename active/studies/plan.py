"""What a study of selection rules plays through: rules, seeds, rounds, and the names of what is kept.

Every seed has a start set that all rules share, so round 0 is fitted once a seed. Then each rule goes its own way.

Adding a rule: a line in `RULES`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass

from dataengine.studies.settings import json_hash

from ..query.select_params import ScoreWeights, SelectParams

STAGE = "fit-teacher"
"""The stage that fits."""
OWNED = frozenset(
    {f"{STAGE}.{key}" for key in ("seed", "epochs", "people_per_epoch", "patience", "ship", "only", "curriculum")}
)
"""Params that the study sets itself."""
START = "start"
"""Instead of a rule: the fit on the start set, of all rules of a seed."""
RANDOM = "random"
_NOTHING = dict.fromkeys(asdict(ScoreWeights()), 0.0)
_UNKNOWN = {"teacher": 0.0, "second": 0.0, "rarity": 0.0}
"""Scores that take what a study does not have: pseudo-labels, another network, balance."""


@dataclass(frozen=True)
class Rule:
    """A way to choose."""

    strategy: str
    """A name in `active/choice/strategies.py`."""
    meaning: str
    scores: tuple[str, ...] | None = ()
    """The scores that count, alike; None: those of `select.weights`."""

    def weights(self, params: SelectParams) -> dict[str, float]:
        """Score -> weight, for all scores of `ScoreWeights`."""
        if self.scores is None:
            return {**asdict(params.weights), **_UNKNOWN}
        return {**_NOTHING, **dict.fromkeys(self.scores, 1.0)}


RULES: Mapping[str, Rule] = {
    RANDOM: Rule("random", "any images"),
    "entropy": Rule("uncertainty", "the people whose joints have the highest entropy", ("entropy",)),
    "core-set": Rule("diversity", "farthest first in pose and appearance (k-centre), uncertainty aside"),
    "herding": Rule("herding", "what covers the expected loss of the pool, by the scores of `select.weights`", None),
    "badge": Rule("badge", "k-means++ on vectors as long as the expected loss, by the same scores", None),
    "typiclust": Rule("typiclust", "the most typical of each cluster without a label"),
    "peaks": Rule("uncertainty", "the people whose joints have the highest multi-peak entropy", ("peaks",)),
    "bald": Rule("uncertainty", "the people on whom the network disagrees with itself under dropout", ("dropout",)),
}


@dataclass(frozen=True, order=True)
class Round:
    """One fit."""

    rule: str
    """Key of `RULES`; START for round 0."""
    seed: int
    number: int
    """How many times the rule has chosen."""

    @property
    def before(self) -> Round:
        """The round whose network chooses this one's labels; of a round 0 there is none."""
        return Round(self.rule if self.number > 1 else START, self.seed, self.number - 1)


@dataclass(frozen=True, kw_only=True)
class StudyPlan:
    """What is compared."""

    rules: tuple[str, ...]
    seeds: tuple[int, ...]
    start: int
    """Images with labels in round 0."""
    step: int
    """Images that a rule chooses in a round."""
    rounds: int
    """How often each rule chooses."""
    candidates: int
    """Images without a label that a rule looks at in a round."""
    people: int
    """Seen by every fit, in all its epochs together."""
    epochs: int
    warm: bool
    """Whether a fit goes on from the network of the round before."""
    settings: Mapping[str, str]
    """Further params of all fits."""

    def trials(self) -> list[Round]:
        """Seed by seed and round by round, so that a study that was stopped has treated the rules alike."""
        return [
            trial
            for seed in self.seeds
            for trial in [
                Round(START, seed, 0),
                *(Round(rule, seed, number) for number in range(1, self.rounds + 1) for rule in self.rules),
            ]
        ]

    def labels(self, trial: Round) -> int:
        """Images with labels in a round."""
        return self.start + trial.number * self.step

    def fit_params(self, trial: Round) -> dict[str, str]:
        """Params of a round's fit, apart from where its files lie."""
        own = {
            "seed": str(trial.seed),
            "epochs": str(self.epochs),
            "people_per_epoch": str(self.people // self.epochs),
            "patience": "0",
            "ship": "last",
            "only": "real",
        }
        return {**self.settings, **{f"{STAGE}.{key}": value for key, value in own.items()}}

    def name(self, trial: Round, decides: object) -> str:
        """Name of a round: another one where anything that decides its result has changed; `decides` is what is given
        from outside of the plan."""
        own: list[object] = [decides, self.start, self.fit_params(trial)]
        if trial.number:
            own += [self.step, self.candidates, self.warm, RULES[trial.rule].strategy, RULES[trial.rule].scores]
        return f"{trial.rule}-seed{trial.seed}-round{trial.number}-{json_hash(own)}"
