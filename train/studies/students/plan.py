"""What is compared: recipes that differ in what they do with pictures without labels, at equal numbers of passes.

A person with a label costs a forward and a backward pass, three forward passes; one without labels costs these and the
teacher's forward pass, four. So a fit that takes u people without labels per labelled person sees 3 / (3 + 4 u) of the
labelled people that a supervised one sees, with two networks half of that; pseudo-labels take half of the passes for
the teacher. A teacher from outside has been paid for: what it costs to ask it once is not counted.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

from dataengine.studies.settings import NULL, json_hash

STAGE = "fit-student"
SUPERVISED, PSEUDO, EMA, TWO = "supervised", "pseudo", "ema", "two"
OUTSIDE, LIKELY, PLAIN = "outside", "outside-likely", "outside-plain"
RECIPES: Mapping[str, str] = {
    SUPERVISED: "labelled people alone",
    PSEUDO: "half of the passes for a teacher, which labels the others at `target_precision`; half for a student that "
    "goes on from its weights with both",
    EMA: "consistency, taught by the student's average",
    TWO: "consistency, two networks that teach each other",
    OUTSIDE: "labels, and an outside teacher's of the other pictures, at `target_precision`",
    LIKELY: "labels, and an outside teacher's joints that are more likely right than wrong, each by its probability",
    PLAIN: "labels, and an outside teacher's by the thresholds of params.yaml, which no label has chosen",
}
FROM_OUTSIDE = (OUTSIDE, LIKELY, PLAIN)
"""Recipes with a teacher that is there already."""
STARTER, RANDOM = "starter", "random"
STARTS = {STARTER: "starter", RANDOM: NULL}
OWNED = frozenset(
    f"{STAGE}.{key}"
    for key in ("seed", "epochs", "people_per_epoch", "patience", "ship", "only", "curriculum", "start_from", "replay")
) | {f"{STAGE}.consistency.mode"}
EPOCHS = 4
PASSES_LABELLED, PASSES_UNLABELLED = 3, 4


@dataclass(frozen=True, order=True)
class StudentTrial:
    """One recipe, played once."""

    recipe: str
    start: str
    """Key of `STARTS`, or of the plan's `folders`."""
    labels: int
    """Images with labels; with 0 the recipe `supervised` is the start as it is."""
    seed: int


@dataclass(frozen=True, kw_only=True)
class StudentPlan:
    """What is compared."""

    recipes: tuple[str, ...]
    starts: tuple[str, ...]
    labels: tuple[int, ...]
    seeds: tuple[int, ...]
    people: int
    """That a supervised fit sees."""
    unlabelled_per_labelled: float
    settings: Mapping[str, str]
    """Further params of all fits."""
    folders: Mapping[str, str] = field(default_factory=dict)
    """Starts of this study's own: name -> checkpoint folder."""

    def trials(self) -> list[StudentTrial]:
        """Seed by seed, so that a study that was stopped has treated the recipes alike.

        Without labels, only what needs none; weights that are never fitted are measured once.
        """
        return [
            StudentTrial(recipe, start, labels, seed)
            for seed in self.seeds
            for start in self.starts
            for labels in self.labels
            for recipe in self.recipes
            if labels or (recipe in FROM_OUTSIDE) or self._is_start(recipe, start, seed)
        ]

    def _is_start(self, recipe: str, start: str, seed: int) -> bool:
        """Whether a trial without labels measures the weights that fits start from."""
        return (recipe, start, seed) == (SUPERVISED, STARTER, self.seeds[0])

    def people_of(self, recipe: str) -> int:
        """Labelled (or pseudo-labelled) people that each fit of a recipe sees, so that all cost as many passes."""
        passes = PASSES_LABELLED + PASSES_UNLABELLED * self.unlabelled_per_labelled
        shares = {PSEUDO: 0.5, EMA: PASSES_LABELLED / passes, TWO: PASSES_LABELLED / passes / 2}
        share = shares.get(recipe, 1.0)
        return int(share * self.people) // EPOCHS * EPOCHS

    def fit_params(self, trial: StudentTrial, start_from: str | None = None) -> dict[str, str]:
        """Params of a fit, apart from where its files lie; `start_from` instead of the trial's own start."""
        own = {
            "seed": str(trial.seed),
            "epochs": str(EPOCHS),
            "people_per_epoch": str(self.people_of(trial.recipe) // EPOCHS),
            "patience": "0",
            "ship": "last",
            "only": NULL,
            "start_from": start_from or self.folders.get(trial.start) or STARTS[trial.start],
            "consistency.mode": trial.recipe if trial.recipe in (EMA, TWO) else "none",
        }
        return {**self.settings, **{f"{STAGE}.{key}": value for key, value in own.items()}}

    def name(self, trial: StudentTrial, decides: object) -> str:
        """Name of a trial: another one where anything that decides its result has changed."""
        mark = json_hash([decides, self.fit_params(trial)])
        return f"{trial.recipe}-{trial.start}-{trial.labels}labels-seed{trial.seed}-{mark}"
