"""What the study found so far: the table of levers, each against the base, and the plot."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from dataengine.studies.page import MISSING, interval_note, paragraph, unfinished, write_page
from dataengine.studies.seed_spread import SeedMean, seed_gains, seed_means

from .fit_runs import LeverOutcome
from .lever import BASE, Lever
from .plot import lever_figure

FIGURES: dict[str, Callable[[LeverOutcome], float | None]] = {
    "renders: PCK@0.2": lambda found: found.renders.pck,
    "renders: AP": lambda found: found.renders.ap,
    "then labels: PCK@0.2": lambda found: found.labels.pck if found.labels else None,
    "then labels: AP": lambda found: found.labels.ap if found.labels else None,
}


@dataclass(frozen=True)
class LeverFacts:
    """What the page says of the study."""

    words: str
    people: int
    label_people: int
    labels: int
    validation_people: int


def write_lever_page(
    report: Path,
    facts: LeverFacts,
    levers: Mapping[str, Lever],
    by_lever: Mapping[str, Mapping[int, LeverOutcome]],
    *,
    planned: int,
) -> None:
    """Write render_levers.md and render_levers.png into `report`, from outcomes by lever and seed.

    `planned` is the number of seeds.
    """
    values = {name: _values(by_lever, figure) for name, figure in FIGURES.items()}
    gains = {name: seed_gains(of_levers, BASE) for name, of_levers in values.items()}
    known = sum(map(len, by_lever.values()))
    lines = [
        "# What the renderer's levers are worth",
        "",
        f"    {facts.words}",
        "",
        *unfinished(known, planned * len(levers), "fit"),
        *_sizes(facts),
        "",
        "![Gain of each lever over the base](render_levers.png)",
        "",
        *_table(facts, levers, by_lever, values, gains),
        "",
        *_verdicts(gains),
        "",
        *paragraph(
            interval_note("the levers", "pictures and people"),
            "Gains are against the base, seed by seed; bold ones leave 0 out.",
        ),
    ]
    write_page(report, "render_levers", lines, lever_figure({n: of for n, of in gains.items() if "PCK" in n}))


def _values(
    by_lever: Mapping[str, Mapping[int, LeverOutcome]], figure: Callable[[LeverOutcome], float | None]
) -> dict[str, dict[int, float]]:
    """A figure by lever and seed, where it is known."""
    values = {name: {seed: figure(found) for seed, found in of_seeds.items()} for name, of_seeds in by_lever.items()}
    return {name: {seed: v for seed, v in of_seeds.items() if v is not None} for name, of_seeds in values.items()}


def _sizes(facts: LeverFacts) -> list[str]:
    after = (
        f", then {facts.label_people} from {facts.labels} labelled photographs alone, where the learning rate rises and"
        " falls again"
    )
    return paragraph(
        f"Every fit begins with random weights and sees {facts.people} rendered people"
        + (after if facts.labels else "")
        + ".",
        f"Measured on {facts.validation_people} validation people after each part. Nothing was chosen on a test set.",
    )


def _table(
    facts: LeverFacts,
    levers: Mapping[str, Lever],
    by_lever: Mapping[str, Mapping[int, LeverOutcome]],
    values: Mapping[str, Mapping[str, Mapping[int, float]]],
    gains: Mapping[str, Mapping[str, SeedMean]],
) -> list[str]:
    shown = [name for name in FIGURES if facts.labels or name.startswith("renders")]
    lines = [f"| lever | pictures | people | {' | '.join(shown)} | seeds |", "|---" * (len(shown) + 4) + "|"]
    means = {name: seed_means({lever: [*v.values()] for lever, v in values[name].items()}) for name in shown}
    for lever, given in levers.items():
        found = by_lever[lever]
        cells = [_cell(means[name].get(lever), gains[name].get(lever)) for name in shown]
        people = str(next(iter(found.values())).people) if found else MISSING
        lines.append(f"| {lever} | {given.images} | {people} | {' | '.join(cells)} | {len(found)} |")
    return lines


def _cell(own: SeedMean | None, gain: SeedMean | None) -> str:
    if own is None:
        return MISSING
    if gain is None:
        return own.text()
    text = gain.text("+")
    return f"{own.mean:.3f} ({f'**{text}**' if gain.is_clear and not np.isnan(gain.half_width) else text})"


def _verdicts(gains: Mapping[str, Mapping[str, SeedMean]]) -> list[str]:
    """For each figure, which levers differ clearly from the base."""
    lines = []
    for name, found in gains.items():
        if not found:
            continue
        clear = {lever: gain for lever, gain in found.items() if not np.isnan(gain.half_width) and gain.is_clear}
        better = ", ".join(lever for lever, gain in clear.items() if gain.mean > 0) or "none"
        worse = ", ".join(lever for lever, gain in clear.items() if gain.mean < 0) or "none"
        lines.append(f"- {name}: clearly better than the base: {better}; clearly worse: {worse}.")
    return lines
