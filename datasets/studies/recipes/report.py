"""What a study of training recipes found so far: the page with its tables and verdicts, and the plot."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from dataengine.files import atomic_path
from dataengine.studies.seed_spread import LEVEL, half_widths

from .plan import MEANING, PRETRAIN, PRETRAIN_MIX, REAL, RECIPES, SYNTHETIC, Run
from .plot import write_plot
from .score import Score

MISSING = "missing"


@dataclass(frozen=True)
class Outcome:
    """What one fit came to."""

    score: Score
    fit_seconds: float | None
    """Of fitting alone, without validation; None where the fit did not tell its rate."""
    training_images: int
    """Real ones that the fit could draw from."""


@dataclass(frozen=True, kw_only=True)
class Facts:
    """What the page says of the study."""

    command: str
    people: int
    epochs: int
    rendered: int
    training_images: int
    validation_images: int
    test_images: int
    test_people: int
    rare_people: int


@dataclass(frozen=True)
class Figure:
    """A mean over seeds."""

    mean: float
    half_width: float
    """Of its interval; NaN for a single seed."""

    def text(self) -> str:
        """With three decimals."""
        return f"{self.mean:.3f}" + ("" if np.isnan(self.half_width) else f" ± {self.half_width:.3f}")


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


class Table:
    """Figures by cell; the spread over seeds is pooled over the cells with the same number of labels."""

    def __init__(self, runs: Sequence[Run], known: Mapping[Run, Outcome]) -> None:
        self.planned: dict[Cell, list[Run]] = {}
        for run in runs:
            self.planned.setdefault(Cell(run.labels, run.recipe, run.rendered), []).append(run)
        self.known = known

    def outcomes(self, cell: Cell) -> list[Outcome]:
        """Of the seeds that are known."""
        return [self.known[run] for run in self.planned.get(cell, ()) if run in self.known]

    def figures(self, name: str) -> dict[Cell, Figure]:
        """A figure of all cells with a known run."""
        values = {cell: self._values(cell, name) for cell in self.planned if cell.recipe != PRETRAIN}
        found = {}
        for labels in {cell.labels for cell in values}:
            group = [cell for cell in values if cell.labels == labels and values[cell]]
            widths = half_widths([values[cell] for cell in group]) if group else ()
            for cell, width in zip(group, widths, strict=True):
                single = len(values[cell]) < 2  # its own spread is not known, whatever that of the others
                found[cell] = Figure(float(np.mean(values[cell])), float("nan") if single else float(width))
        return found

    def seconds(self, cell: Cell) -> str:
        """Mean time of fitting; of both halves where there are two."""
        halves = [cell, Cell(0, PRETRAIN)] if cell.recipe == PRETRAIN_MIX else [cell]
        times = [[o.fit_seconds for o in self.outcomes(half) if o.fit_seconds] for half in halves]
        return f"{sum(np.mean(part) for part in times):.0f}" if all(times) else MISSING

    def _values(self, cell: Cell, name: str) -> list[float]:
        told = [FIGURES[name](outcome.score) for outcome in self.outcomes(cell)]
        return [value for value in told if value is not None]


def write_report(report: Path, facts: Facts, runs: Sequence[Run], known: Mapping[Run, Outcome]) -> None:
    """Write recipes.md, which shows the plot beside it, and recipes.png into the folder `report`."""
    table = Table(runs, known)
    ap, pck = table.figures("AP"), table.figures("PCK@0.2")
    lines = {
        recipe: {c.labels: (f.mean, f.half_width) for c, f in ap.items() if c.recipe == recipe and not c.rendered}
        for recipe in RECIPES
    }
    curve = {c.rendered or facts.rendered: (f.mean, f.half_width) for c, f in pck.items() if c.recipe == SYNTHETIC}
    with atomic_path(report / "recipes.png") as partial:
        write_plot(partial, {name: points for name, points in lines.items() if points}, curve)
    with atomic_path(report / "recipes.md") as partial:
        partial.write_text(page(facts, table), encoding="utf-8")


def page(facts: Facts, table: Table) -> str:
    """Markdown: the command, the sizes, the plot, the tables, what may be said, and what the figures leave out."""
    cells = [cell for cell in table.planned if cell.recipe != PRETRAIN]
    compared = sorted((c for c in cells if not c.rendered), key=lambda c: (c.labels, list(RECIPES).index(c.recipe)))
    curve = sorted((c for c in cells if c.recipe == SYNTHETIC), key=lambda c: c.rendered or facts.rendered)
    planned, known = sum(map(len, table.planned.values())), len(table.known)
    lines = [
        "# Which training recipe for how many labels",
        "",
        f"    {facts.command}",
        "",
        *([] if known == planned else [f"**Unfinished: {known} of {planned} fits are known.**", ""]),
        f"Every run sees {facts.people} people in {facts.epochs} epochs (of each epoch, whole batches) with the same",
        f"network and {facts.rendered} rendered images. There are {facts.training_images} real images for training, of",
        f"which each run has those of the lowest hashes, and {facts.validation_images} for validation. All is measured",
        f"on {facts.test_images} test images with {facts.test_people} people, {facts.rare_people} of them in rare",
        "poses: clusters that `balance` finds below its threshold among all training people. Recipes:",
        "",
        *(f"- **{name}**: {MEANING[name]}" for name in dict.fromkeys(cell.recipe for cell in compared)),
        "",
        "![AP by real images, PCK by rendered images](recipes.png)",
        "",
        *_rows("real images", compared, table, facts),
        "",
        *_verdicts(table),
        "",
        *(["Rendered people only:", "", *_rows("rendered images", curve, table, facts), ""] if curve[1:] else []),
        f"± is half of the mean's {LEVEL:.0%} interval, the spread over seeds pooled over the recipes with as many",
        "real images (and over the numbers of rendered images): it speaks of other seeds on the same training and test",
        "people, not of other people. Seconds are those of fitting, without validation. The second half of",
        "pretrain-mix begins with a learning rate that rises and falls anew. The highest of several means is chosen by",
        "the figures that it is shown with, so it looks a little better than it is.",
    ]
    return "\n".join(lines) + "\n"


def _rows(what: str, cells: Sequence[Cell], table: Table, facts: Facts) -> list[str]:
    figures = [table.figures(name) for name in FIGURES]
    by_recipe = what == "real images"
    lines = [
        f"| {what} |{' recipe |' if by_recipe else ''} {' | '.join(FIGURES)} | seconds | seeds |",
        "|---" * (len(FIGURES) + 3 + by_recipe) + "|",
    ]
    for cell in cells:
        size = f"{cell.labels or '-'} | {cell.recipe}" if by_recipe else str(cell.rendered or facts.rendered)
        known, planned = len(table.outcomes(cell)), len(table.planned[cell])
        nothing = "none" if known else MISSING  # no test person has a rare pose
        told = [figure[cell].text() if cell in figure else nothing for figure in figures]
        count = f"{known}" if known == planned else f"{known} of {planned}"
        lines.append(f"| {size} | {' | '.join(told)} | {table.seconds(cell)} | {count} |")
    return lines


def _verdicts(table: Table) -> list[str]:
    """For each number of labels the best recipe, against real people only."""
    ap = table.figures("AP")
    labels = sorted({cell.labels for cell in table.planned if cell.labels})
    return [f"- {count} real images: {_verdict(count, ap)}" for count in labels]


def _verdict(labels: int, ap: Mapping[Cell, Figure]) -> str:
    real = ap.get(Cell(labels, REAL))
    others = {cell: figure for cell, figure in ap.items() if cell.labels in (0, labels) and not cell.rendered}
    if real is None:
        return "real people only is missing."
    best = max(others, key=lambda cell: others[cell].mean)
    told = f"highest AP {others[best].mean:.3f}, {best.recipe}"
    if best.recipe == REAL:
        return f"{told}."
    ratio = f", {others[best].mean / real.mean:.2f} times" if real.mean else ""
    gain = others[best].mean - real.mean
    reach = float(np.hypot(others[best].half_width, real.half_width))
    if np.isnan(reach):
        return f"{told}{ratio} that of real people only ({gain:+.3f}); a single seed does not tell them apart."
    apart = "told apart" if gain > reach else "not told apart"
    return f"{told}{ratio} that of real people only ({gain:+.3f} ± {reach:.3f}: {apart})."
