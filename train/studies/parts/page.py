"""The page of `compare-parts`: validation AP of each part, its gain over the fit as it is, and whether it is kept."""

from collections.abc import Mapping

from dataengine.studies.page import interval_note, paragraph, unfinished
from dataengine.studies.seed_spread import SeedMean, seed_means

from .plan import BASE_PART

Figures = Mapping[tuple[str, int], float]


def gains(ap: Figures) -> dict[str, SeedMean]:
    """The mean over seeds of AP minus that of the fit as it is with the same seed, by part."""
    differences: dict[str, list[float]] = {}
    for (part, seed), value in ap.items():
        if part != BASE_PART and (BASE_PART, seed) in ap:
            differences.setdefault(part, []).append(value - ap[BASE_PART, seed])
    return seed_means(differences)


def page(command: str, ap: Figures, *, planned: int, people: int, images: int, start: str) -> list[str]:
    """Lines of Markdown; `ap` by part and seed."""
    by_part: dict[str, list[float]] = {}
    for (part, _), value in ap.items():
        by_part.setdefault(part, []).append(value)
    means, gained = seed_means(by_part), gains(ap)
    lines = ["# Parts of today's recipes", "", f"    {command}", "", *unfinished(len(ap), planned, "fit")]
    lines += paragraph(
        f"Every fit sees {people:,} people and starts from {start}; AP on {images} validation images.",
        "A part is kept where its gain, seed by seed, leaves 0 out.",
    )
    lines += ["", "| part | AP | gain | kept | seeds |", "|---|---|---|---|---|"]
    for part, mean in means.items():
        gain = gained.get(part)
        kept = "-" if gain is None else "yes" if gain.is_clear and gain.mean > 0 else "no"
        said = gain.text("+") if gain else "-"
        lines.append(f"| {part} | {mean.text()} | {said} | {kept} | {len(by_part[part])} |")
    return [*lines, "", *paragraph(interval_note("the parts", "validation people"))]
