"""What a study of training recipes runs: the recipes as params, the runs in their order, and their experiments' names.

Every run sees the same number of people with the same network, or fits for the same time. `RecipePlan.runs` lists them
seed by seed; `RecipePlan.params_of` gives the params of an experiment; `run_name` ties a name to all that decides the
result.

Adding a recipe: one line in `RECIPES`; for a single study, phases of one's own in `RecipePlan.curricula`.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

from dataengine.studies.settings import NULL, json_hash

STAGE = "fit-teacher"
_NOT_REPEATED = {"balance.max_repeat": "1.0"}
_ONE_TO_THREE = {"mix.synthetic_per_real": "0.3333333333"}
_REAL = {"mix.synthetic_per_real": "0.0", **_NOT_REPEATED}
_FROM_STARTER = {f"{STAGE}.start_from": "starter"}
# what a recipe changes; those of a run without labels are in _WITHOUT_LABELS
RECIPES: dict[str, dict[str, str]] = {
    "real": _REAL,
    "synthetic": {f"{STAGE}.only": "synthetic"},
    "mix": {**_ONE_TO_THREE, **_NOT_REPEATED},
    "mix-oversampled": _ONE_TO_THREE,
    "pretrain-mix": {**_ONE_TO_THREE, **_NOT_REPEATED},
    "pretrain-real": _REAL,
    "starter-mix": {**_ONE_TO_THREE, **_NOT_REPEATED, **_FROM_STARTER},
    "starter-real": {**_REAL, **_FROM_STARTER},
}
MEANING = {
    "real": "real people only, none repeated",
    "synthetic": "rendered people only",
    "mix": "synthetic : real 1 : 3, none repeated",
    "mix-oversampled": "the same, people of rare poses repeated as `balance` says",
    "pretrain-mix": "the first half on rendered people only, the second on the 1 : 3 mix",
    "pretrain-real": "the first half on rendered people only, the second on real people only",
    "starter-mix": "the 1 : 3 mix, from the starter that ships with the package",
    "starter-real": "real people only, none repeated, from the starter",
}
REAL, SYNTHETIC = "real", "synthetic"
FROM_STARTER = "starter-"
"""What the name of a curriculum begins with that goes on from the starter."""
HALVED = ("pretrain-mix", "pretrain-real")  # recipes whose first half is PRETRAIN
OWNED = frozenset(
    {"ingest.sources", "ingest.split.train_images", "mix.only", "mix.seed", "mix.synthetic_images"}
    | {"mix.synthetic_per_real", "oks.sigmas"}
    | {
        f"{STAGE}.{key}"
        for key in ("curriculum", "epochs", "only", "patience", "people_per_epoch", "seed", "ship", "start_from")
    }
)  # params that the study sets itself, or reads for all runs
PRETRAIN = "pretrain"  # the first half of those in HALVED, shared by all numbers of labels
_WITHOUT_LABELS = (SYNTHETIC, PRETRAIN)


@dataclass(frozen=True, order=True)
class RecipeRun:
    """One fit."""

    recipe: str
    """Key of RECIPES or of the plan's `curricula`, or PRETRAIN."""
    labels: int
    """Real training images; 0 where none is learned from."""
    seed: int
    rendered: int = 0
    """Rendered images there are; 0 for all."""


@dataclass(frozen=True)
class RecipePlan:
    """What is compared."""

    recipes: tuple[str, ...]
    labels: tuple[int, ...]
    """Numbers of real training images, with every seed."""
    once: tuple[int, ...]
    """Further numbers, with the first seed only."""
    seeds: tuple[int, ...]
    rendered: tuple[int, ...]
    """Numbers of rendered images, fewer than all, that the recipe `synthetic` is tried with."""
    people: int
    """Seen by every run, in all its epochs together."""
    epochs: int
    patience: int
    """Epochs without a better validation AP that end a run, which then ships its best; 0: all see as many people."""
    settings: Mapping[str, str]
    """Further params of all runs."""
    held_out: Mapping[str, str]
    """Params that fix validation and test."""
    curricula: Mapping[str, str] = field(default_factory=dict)
    """Recipes of this study's own: name -> phases of one fit, as fit-teacher.curriculum takes them."""
    seconds: float = 0.0
    """Time of fitting that every run is given, whatever number of people its recipe sees in it; 0: `people`."""

    @property
    def people_per_epoch(self) -> int:
        """People that every run sees in an epoch."""
        return self.people // self.epochs

    def runs(self) -> list[RecipeRun]:
        """Seed by seed, so that a study that was stopped has compared all recipes alike; what runs once comes last."""
        each = [run for seed in self.seeds for run in self._of_seed(seed)]
        return each + [run for labels in self.once for run in self._of_labels(labels, self.seeds[0])]

    def start_of(self, run: RecipeRun) -> RecipeRun | None:
        """The run whose network this run starts from."""
        return RecipeRun(PRETRAIN, 0, run.seed) if run.recipe in HALVED else None

    def all_recipes(self) -> list[str]:
        """Those of the table that are compared, then this study's own."""
        return [*self.recipes, *self.curricula]

    def epochs_of(self, run: RecipeRun) -> int:
        """Epochs of the run itself; the other half lies in the run that it starts from."""
        return self.epochs // 2 if run.recipe in (PRETRAIN, *HALVED) else self.epochs

    def people_at(self, pace: float) -> int:
        """People of an epoch that lasts its share of `seconds`, where `pace` people are fitted in a second."""
        return max(1, round(pace * self.seconds / self.epochs))

    def params_of(self, run: RecipeRun, people_per_epoch: int | None = None) -> dict[str, str]:
        """Params of a run, apart from where its files lie; with another number of people where one is given."""
        schedule = {
            f"{STAGE}.epochs": str(self.epochs_of(run)),
            f"{STAGE}.people_per_epoch": str(people_per_epoch or self.people_per_epoch),
            f"{STAGE}.patience": str(self.patience),
            f"{STAGE}.ship": "best" if self.patience else "last",
        }
        own_params = {
            "mix.only": NULL,
            f"{STAGE}.only": NULL,
            f"{STAGE}.start_from": NULL,
            "ingest.split.train_images": str(run.labels or NULL),
            "mix.synthetic_images": str(run.rendered or NULL),
            "mix.seed": str(run.seed),
            f"{STAGE}.seed": str(run.seed),
        }
        recipe = self._own(run.recipe) or RECIPES[SYNTHETIC if run.recipe == PRETRAIN else run.recipe]
        return {**self.settings, **self.held_out, **schedule, **own_params, **recipe}

    def data_params(self) -> dict[str, str]:
        """Params of the whole set: all training people, which decide what poses are rare."""
        return {**self.settings, **self.held_out, "ingest.split.train_images": NULL}

    def _of_seed(self, seed: int) -> list[RecipeRun]:
        whole = [RecipeRun(SYNTHETIC, 0, seed)] if SYNTHETIC in self.recipes or self.rendered else []
        first = [RecipeRun(PRETRAIN, 0, seed)] if set(HALVED) & set(self.recipes) else []
        curve = [RecipeRun(SYNTHETIC, 0, seed, count) for count in self.rendered]
        return [*whole, *first, *(run for count in self.labels for run in self._of_labels(count, seed)), *curve]

    def _of_labels(self, labels: int, seed: int) -> list[RecipeRun]:
        return [RecipeRun(recipe, labels, seed) for recipe in self.all_recipes() if recipe not in _WITHOUT_LABELS]

    def _own(self, recipe: str) -> dict[str, str]:
        """What a curriculum changes; nothing for a recipe of the table."""
        if recipe not in self.curricula:
            return {}
        begun = _FROM_STARTER if recipe.startswith(FROM_STARTER) else {}
        return {f"{STAGE}.curriculum": self.curricula[recipe], **begun}


def run_name(run: RecipeRun, decides: object) -> str:
    """Name of the run's experiment: recipe, labels, seed, and a hash of everything else that decides the result."""
    size = f"{run.labels}" if run.labels else f"{run.rendered or 'all'}rendered"
    return f"{run.recipe}-{size}-seed{run.seed}-{json_hash(decides)}"
