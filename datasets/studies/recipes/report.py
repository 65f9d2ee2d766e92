"""What a study of training recipes has found so far: the page with its tables and verdicts, and the plot."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from dataengine.studies.page import MISSING, interval_note, paragraph, unfinished, write_page
from dataengine.studies.seed_spread import SeedMean, seed_gains, seed_means

from .plan import HALVED, MEANING, PRETRAIN, REAL, RECIPES, SYNTHETIC, RecipeRun
from .plot import recipe_figure
from .score import Score

LEAST_AP_OF_A_RATIO = 0.1  # below it a few people more or less make a large ratio


@dataclass(frozen=True)
class RecipeOutcome:
    """What one fit achieved."""

    score: Score
    fit_seconds: float | None
    """Time of fitting alone, without validation; None where the fit did not report its rate."""
    training_images: int
    """Real ones that the fit could draw from."""


@dataclass(frozen=True, kw_only=True)
class StudyFacts:
    """What the page says of the study."""

    command: str
    people: int
    epochs: int
    patience: int
    seconds: float = 0.0
    people_in: Mapping[RecipeRun, int] = field(default_factory=dict)
    """People that each known run saw itself."""
    curricula: Mapping[str, str] = field(default_factory=dict)
    rendered: int
    training_images: int
    validation_images: int
    test_images: int
    test_people: int
    rare_people: int
    oks_sigmas: str


@dataclass(frozen=True, order=True)
class Cell:
    """Runs that differ in their seed alone."""

    labels: int
    recipe: str
    rendered: int = 0


FIGURES: dict[str, Callable[[Score], float | None]] = {
    "PCK@0.2": lambda score: score.pck_02,
    "AP": lambda score: score.oks_ap,
    "AP of rare poses": lambda score: score.rare_ap,
}


class RecipeTable:
    """Figures by cell; the spread over seeds is pooled over the cells with the same number of labels."""

    def __init__(self, runs: Sequence[RecipeRun], known: Mapping[RecipeRun, RecipeOutcome]) -> None:
        self.planned: dict[Cell, list[RecipeRun]] = {}
        for run in runs:
            self.planned.setdefault(Cell(run.labels, run.recipe, run.rendered), []).append(run)
        self.known = known

    def outcomes(self, cell: Cell) -> list[RecipeOutcome]:
        """Outcomes of the seeds that have run."""
        return [self.known[run] for run in self._known(cell)]

    def _known(self, cell: Cell) -> list[RecipeRun]:
        return [run for run in self.planned.get(cell, ()) if run in self.known]

    def means(self, name: str) -> dict[Cell, SeedMean]:
        """Means of a figure (key of `FIGURES`) over the seeds of each cell with a known run."""
        values = {cell: self._values(cell, name) for cell in self.planned if cell.recipe != PRETRAIN}
        means: dict[Cell, SeedMean] = {}
        for labels in {cell.labels for cell in values}:
            means |= seed_means({cell: of_seeds for cell, of_seeds in values.items() if cell.labels == labels})
        return means

    def gain(self, cell: Cell, base: Cell) -> SeedMean:
        """AP of `cell` over that of `base`: seed by seed where both learn from the same labels and share seeds."""
        alike = (each for each in self.planned if each.labels == base.labels and not each.rendered)
        by_seed = {each: {run.seed: self.known[run].score.oks_ap for run in self._known(each)} for each in alike}
        if gain := seed_gains(by_seed, base).get(cell):
            return gain
        means = self.means("AP")
        return means[cell].gain_over(means[base])

    def seconds(self, cell: Cell) -> str:
        """Mean time of fitting; of both halves where there are two."""
        halves = [cell, Cell(0, PRETRAIN)] if cell.recipe in HALVED else [cell]
        times = [[o.fit_seconds for o in self.outcomes(half) if o.fit_seconds] for half in halves]
        return f"{sum(np.mean(part) for part in times):.0f}" if all(times) else MISSING

    def _values(self, cell: Cell, name: str) -> list[float]:
        figures = [FIGURES[name](outcome.score) for outcome in self.outcomes(cell)]
        return [value for value in figures if value is not None]


def write_recipe_report(
    report: Path, facts: StudyFacts, runs: Sequence[RecipeRun], known: Mapping[RecipeRun, RecipeOutcome]
) -> None:
    """Write recipes.png and recipes.md, which shows the plot, into the folder `report`."""
    table = RecipeTable(runs, known)
    ap, pck = table.means("AP"), table.means("PCK@0.2")
    by_recipe = {
        recipe: {cell.labels: mean for cell, mean in ap.items() if cell.recipe == recipe and not cell.rendered}
        for recipe in (*RECIPES, *facts.curricula)
    }
    curve = {cell.rendered or facts.rendered: mean for cell, mean in pck.items() if cell.recipe == SYNTHETIC}
    figure = recipe_figure({recipe: points for recipe, points in by_recipe.items() if points}, curve)
    write_page(report, "recipes", recipe_page(facts, table), figure)


def recipe_page(facts: StudyFacts, table: RecipeTable) -> list[str]:
    """Markdown: the command, the sizes, the plot, the tables, what may be said, and what the figures leave out."""
    cells = [cell for cell in table.planned if cell.recipe != PRETRAIN]
    order = [*RECIPES, *facts.curricula]
    meaning = {**MEANING, **{name: f"one fit in phases: `{phases}`" for name, phases in facts.curricula.items()}}
    compared = sorted((c for c in cells if not c.rendered), key=lambda c: (c.labels, order.index(c.recipe)))
    curve = sorted((c for c in cells if c.recipe == SYNTHETIC), key=lambda c: c.rendered or facts.rendered)
    return [
        "# Which training recipe for how many labels",
        "",
        f"    {facts.command}",
        "",
        *unfinished(len(table.known), sum(map(len, table.planned.values())), "fit"),
        *_sizes(facts),
        "",
        *(f"- **{name}**: {meaning[name]}" for name in dict.fromkeys(cell.recipe for cell in compared)),
        "",
        "![AP by real images, PCK by rendered images](recipes.png)",
        "",
        *_rows("real images", compared, table, facts),
        "",
        *_verdicts(table),
        "",
        *(["Rendered people only:", "", *_rows("rendered images", curve, table, facts), ""] if curve[1:] else []),
        *_notes(),
    ]


def _sizes(facts: StudyFacts) -> list[str]:
    return paragraph(
        _lengths(facts)
        + (f", or fewer where {facts.patience} epochs bring no better validation AP," if facts.patience else ""),
        f"with the same network and {facts.rendered} rendered images. There are {facts.training_images} real images",
        "for training, of which each run has those of the lowest hashes, and",
        f"{facts.validation_images} for validation. All is measured",
        f"on {facts.test_images} test images with {facts.test_people} people, {facts.rare_people} of them in rare",
        "poses: in clusters that `balance` finds below its threshold among all training people, or beyond them all.",
        f"Sigmas of OKS: {facts.oks_sigmas}.",
        "Recipes:",
    )


def _lengths(facts: StudyFacts) -> str:
    if not facts.seconds:
        return f"Every run sees {facts.people} people in {facts.epochs} epochs (of each epoch, whole batches)"
    seen: dict[str, int] = {run.recipe: count for run, count in facts.people_in.items()}
    counts = ", ".join(f"{name} {count}" for name, count in seen.items()) or "none yet"
    return (
        f"Every run is given {facts.seconds:g} seconds of fitting in {facts.epochs} epochs, at the pace that was"
        f" measured for its recipe here. People that it sees in them, itself: {counts}. All are fitted"
    )


def _notes() -> list[str]:
    pooled = "the recipes with as many real images (and over the numbers of rendered images)"
    return paragraph(
        interval_note(pooled, "training and test people"),
        "Gains over real people only are taken seed by seed, but that of a recipe without labels.",
        "Seconds are those of fitting, without validation; those that made the starter are not in them. In the second",
        "half of pretrain-mix and pretrain-real the learning rate rises and falls again. The highest of several means",
        "is chosen by the figures that it is shown with, so it looks a little better than it is.",
    )


def _rows(what: str, cells: Sequence[Cell], table: RecipeTable, facts: StudyFacts) -> list[str]:
    means = [table.means(name) for name in FIGURES]
    by_recipe = what == "real images"
    lines = [
        f"| {what} |{' recipe |' if by_recipe else ''} {' | '.join(FIGURES)} | seconds | seeds |",
        "|---" * (len(FIGURES) + 3 + by_recipe) + "|",
    ]
    for cell in cells:
        size = f"{cell.labels or '-'} | {cell.recipe}" if by_recipe else str(cell.rendered or facts.rendered)
        known, planned = len(table.outcomes(cell)), len(table.planned[cell])
        nothing = "none" if known else MISSING  # no test person has a rare pose
        texts = [mean[cell].text() if cell in mean else nothing for mean in means]
        count = f"{known}" if known == planned else f"{known} of {planned}"
        lines.append(f"| {size} | {' | '.join(texts)} | {table.seconds(cell)} | {count} |")
    return lines


def _verdicts(table: RecipeTable) -> list[str]:
    """For each number of labels the best recipe, against real people only."""
    ap = table.means("AP")
    labels = sorted({cell.labels for cell in table.planned if cell.labels})
    return [f"- {count} real images: {_verdict(count, ap, table)}" for count in labels]


def _verdict(labels: int, ap: Mapping[Cell, SeedMean], table: RecipeTable) -> str:
    real = ap.get(Cell(labels, REAL))
    others = {cell: mean for cell, mean in ap.items() if cell.labels in (0, labels) and not cell.rendered}
    if real is None:
        return "real people only is missing."
    best = max(others, key=lambda cell: others[cell].mean)
    highest = f"highest AP {others[best].mean:.3f}, {best.recipe}"
    if best.recipe == REAL:
        return f"{highest}."
    against = "against the" if real.mean < LEAST_AP_OF_A_RATIO else f"{others[best].mean / real.mean:.2f} times the"
    gain = table.gain(best, Cell(labels, REAL))
    what = f"{highest}, {against} {real.mean:.3f} of real people only ({gain.text('+')}"
    if np.isnan(gain.half_width):
        return f"{what}); a single seed cannot show a difference."
    return f"{what}: {'a clear difference' if gain.is_clear else 'no clear difference'})."
