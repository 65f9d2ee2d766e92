"""The page of the study: the student's AP by judge, with intervals over seeds, and how right accepted joints were."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from dataengine.studies.page import interval_note, new_figure, paragraph, unfinished, write_page
from dataengine.studies.seed_spread import SeedMean, seed_gains, seed_means

from ..students.page import StudentOutcome
from ..students.plan import EPOCHS, StudentPlan
from .accepting import BESIDES, EVERYTHING, NOBODY

if TYPE_CHECKING:
    from matplotlib.figure import Figure

PAGE_NAME = "judged-students"


@dataclass(frozen=True, order=True)
class JudgedTrial:
    """A student of what one judge accepts."""

    judge: str
    """One of `judges.table`, or of `BESIDES`."""
    seed: int


def write_judged_page(
    report: Path,
    known: Mapping[JudgedTrial, StudentOutcome],
    trials: Sequence[JudgedTrial],
    sizes: Mapping[str, int],
    plan: StudentPlan,
    teacher: str,
    share: float,
    line: str,
) -> None:
    """Write the page and the plot into the folder `report`; `sizes` are the pictures of each set, and the scenes."""
    judges = list(dict.fromkeys(trial.judge for trial in trials))
    ap = _means(known, "ap")
    lines = [
        "# What a student gains under each judge",
        "",
        f"    {line}",
        "",
        *unfinished(len(known), len(trials), "trial"),
        *paragraph(
            f"{sizes['train']} pictures of films, of which each seed draws {plan.labels[0]} with labels; in the others "
            f"`{teacher}` labels people in their boxes, and each judge accepts the {share:.0%} of all joints that it "
            f"trusts most. A student from {plan.starts[0]} sees {plan.people} people in {EPOCHS} epochs, labelled and "
            f"pseudo-labelled ones alike. {sizes['val']} pictures validate, {sizes['test']} test. "
            f"Scenes, where films that were taken together are one: {sizes['train scenes']} to learn from, "
            f"{sizes['test scenes']} to test on. "
            "Precision: of the accepted joints with a hidden label the share that is right. Coverage: of the joints "
            "with a hidden label the share that is accepted."
        ),
        "",
        *[f"- *{name}*: {BESIDES[name]}." for name in judges if name in BESIDES],
        "",
        f"![AP by judge]({PAGE_NAME}.png)",
        "",
        "| judge | precision | coverage | AP | over labels alone | over everything | PCK@0.2 | seconds | seeds |",
        "|---|---|---|---|---|---|---|---|---|",
        *_rows(known, judges, ap),
        "",
        *paragraph(interval_note("judges", "test people"), "Gains are taken seed by seed."),
    ]
    write_page(report, PAGE_NAME, lines, _figure(judges, ap))


def _means(known: Mapping[JudgedTrial, StudentOutcome], name: str) -> dict[str, SeedMean]:
    return seed_means(_groups(known, name))


def _groups(known: Mapping[JudgedTrial, StudentOutcome], name: str) -> dict[str, list[float]]:
    groups: dict[str, list[float]] = {}
    for trial, outcome in known.items():
        if (value := getattr(outcome, name)) is not None:
            groups.setdefault(trial.judge, []).append(float(value))
    return groups


def gains(known: Mapping[JudgedTrial, StudentOutcome], base: str) -> dict[str, SeedMean]:
    """AP of each judge's student less that of `base`, seed by seed: both learn from the same labelled pictures."""
    by_judge: dict[str, dict[int, float]] = {}
    for trial, outcome in known.items():
        by_judge.setdefault(trial.judge, {})[trial.seed] = outcome.ap
    return seed_gains(by_judge, base)


def _rows(known: Mapping[JudgedTrial, StudentOutcome], judges: Sequence[str], ap: Mapping[str, SeedMean]) -> list[str]:
    pck, precision, coverage = (_means(known, name) for name in ("pck_02", "precision", "coverage"))
    seconds = _groups(known, "seconds")
    over = [gains(known, base) for base in (NOBODY, EVERYTHING)]
    rows = []
    for judge in (judge for judge in judges if judge in ap):
        of_joints = [each[judge].text() if judge in each else "-" for each in (precision, coverage)]
        gained = [each[judge].text("+") if judge in each else "-" for each in over]
        cells = [judge, *of_joints, ap[judge].text(), *gained, pck[judge].text(), f"{np.mean(seconds[judge]):.0f}"]
        rows.append(f"| {' | '.join(cells)} | {len(seconds[judge])} |")
    return rows


def _figure(judges: Sequence[str], ap: Mapping[str, SeedMean]) -> Figure:
    figure = new_figure(7, 0.35 * len(judges) + 1)
    panel = figure.subplots()
    shown = [judge for judge in reversed(judges) if judge in ap]
    widths = [ap[judge].half_width if np.isfinite(ap[judge].half_width) else 0.0 for judge in shown]
    panel.barh(shown, [ap[judge].mean for judge in shown], xerr=widths, capsize=3)
    panel.set_xlabel("AP on test people")
    return figure
