"""The page of `compare-parts`: each part's AP, gain, and whether it is kept; calibration; joints outside the crop."""

from collections.abc import Callable, Mapping

from dataengine.studies.page import interval_note, paragraph, unfinished
from dataengine.studies.seed_spread import SeedMean, seed_gains, seed_means

from .measure import CUTS, PartFigures
from .plan import BASE_PART, PartTrial

Figures = Mapping[PartTrial, PartFigures]
Figure = Callable[[PartFigures], float | None]


def gains(figures: Figures, of: Figure) -> dict[str, SeedMean]:
    """The mean over seeds of a figure minus that of the fit as it is with the same seed, by part."""
    by_part: dict[str, dict[int, float]] = {}
    for trial, own in figures.items():
        if (value := of(own)) is not None:
            by_part.setdefault(trial.part, {})[trial.seed] = value
    return seed_gains(by_part, BASE_PART)


def means(figures: Figures, of: Figure) -> dict[str, SeedMean]:
    """The mean over seeds of a figure, by part; without the parts that have none."""
    by_part: dict[str, list[float]] = {}
    for trial, own in figures.items():
        if (value := of(own)) is not None:
            by_part.setdefault(trial.part, []).append(value)
    return seed_means(by_part)


def page(command: str, figures: Figures, *, planned: int, people: int, images: int, start: str) -> list[str]:
    """Lines of Markdown."""
    lines = ["# Parts of today's recipes", "", f"    {command}", "", *unfinished(len(figures), planned, "fit")]
    lines += paragraph(
        f"Every fit sees {people:,} people and starts from {start}; AP on {images} validation images.",
        "A part is kept where its gain, seed by seed, is above 0 and its interval leaves 0 out: of parts that change",
        "nothing chance keeps one in forty.",
    )
    lines += ["", "| part | AP | gain | kept | seeds |", "|---|---|---|---|---|"]
    gained = gains(figures, lambda one: one.ap)
    for part, mean in means(figures, lambda one: one.ap).items():
        gain = gained.get(part)
        kept = "-" if gain is None else "yes" if gain.is_clear and gain.mean > 0 else "no"
        said = gain.text("+") if gain else "-"
        seeds = sum(trial.part == part for trial in figures)
        lines.append(f"| {part} | {mean.text()} | {said} | {kept} | {seeds} |")
    return [
        *lines,
        "",
        *paragraph(interval_note("the parts", "validation people")),
        *_calibration(figures),
        *_in_crop(figures),
    ]


def _calibration(figures: Figures) -> list[str]:
    columns: dict[str, Figure] = {
        "as stated": lambda one: one.ece_stated,
        "by curves": lambda one: one.ece_by_curves,
    }
    return [
        "",
        "## Calibration of joints",
        "",
        *paragraph(
            "Expected calibration error of a joint's confidence, mean over the joints: as the network states it, and",
            "by curves for each joint, learnt on one half of the pictures and measured on the other.",
        ),
        *_table(figures, columns),
    ]


def _in_crop(figures: Figures) -> list[str]:
    columns: dict[str, Figure] = {
        "confidence alone": lambda one: one.in_crop_by_confidence,
        "presence": lambda one: one.in_crop_by_presence,
        "both": lambda one: one.in_crop_by_both,
    }
    return [
        "",
        "## Joints outside of the crop",
        "",
        *paragraph(
            f"Validation people in crops that are moved by up to {CUTS.shift:g} of their size, and",
            f"{CUTS.half_body_share:.0%} of them around half of a person: area under the ROC curve of",
            '"the joint lies in the crop".',
        ),
        *_table(figures, columns),
    ]


def _table(figures: Figures, columns: Mapping[str, Figure]) -> list[str]:
    values = [means(figures, of) for of in columns.values()]
    rows = [
        f"| {part} | " + " | ".join(each[part].text() if part in each else "-" for each in values) + " |"
        for part in dict.fromkeys(trial.part for trial in figures)
    ]
    return ["", f"| part | {' | '.join(columns)} |", "|---" * (1 + len(columns)) + "|", *rows]
