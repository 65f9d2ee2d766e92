"""The page of the study: AP by recipe with intervals over seeds, and what the accepted joints were worth."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from dataengine.evaluation.figures import Figures
from dataengine.studies.page import interval_note, new_figure, paragraph, unfinished, write_page
from dataengine.studies.seed_spread import SeedMean, seed_means

from .plan import EPOCHS, OUTSIDE, PLAIN, PSEUDO, RECIPES, STARTS, SUPERVISED, StudentPlan, StudentTrial

if TYPE_CHECKING:
    from matplotlib.figure import Figure

PAGE_NAME = "students"
AT_TARGET = (PSEUDO, OUTSIDE)  # recipes that accept joints at `target_precision`
Group = tuple[str, int, str]
"""Start, labels, recipe."""


@dataclass(frozen=True, kw_only=True)
class StudentOutcome:
    """What a trial came to."""

    ap: float
    ap50: float
    pck_02: float
    val_ap: float
    seconds: float
    """What its fits and pseudo-labelling took."""
    precision: float | None = None
    """The share of accepted joints that is right, by hidden labels; None where no accepted joint has one."""
    coverage: float | None = None
    pseudo_people: int | None = None


def write_student_page(
    report: Path,
    plan: StudentPlan,
    known: Mapping[StudentTrial, StudentOutcome],
    sizes: Mapping[str, int],
    asked: float,
    line: str,
    teachers: Mapping[str, Figures] | None = None,
) -> None:
    """Write the page and the plot into the folder `report`; `sizes` are the pictures of each set.

    `teachers` are the outside teachers' own figures on the validation people.
    """
    ap = _means(known, "ap")
    lines = [
        "# What pictures without labels are worth to a student",
        "",
        f"    {line}",
        "",
        *unfinished(len(known), len(plan.trials()), "trial"),
        *paragraph(
            f"{sizes['train']} training pictures, of which each seed draws those with labels; of the others the boxes "
            f"are known and nothing else, their labels measure only. {sizes['val']} pictures validate, {sizes['test']} "
            f"test. "
            f"Every recipe may take as many passes through a network as a supervised fit on {plan.people} people, "
            f"{EPOCHS} epochs; seconds are those of all its fits."
        ),
        "",
        *[f"- `{recipe}`: {RECIPES[recipe]}; {plan.people_of(recipe)} people a fit." for recipe in plan.recipes],
        "",
        *_of_teachers(teachers or {}, sizes["val"], 0 in plan.labels),
        f"![AP by recipe]({PAGE_NAME}.png)",
        "",
        "| start | labels | recipe | AP | of supervised | gain | PCK@0.2 | validation AP | seconds | seeds |",
        "|---|---|---|---|---|---|---|---|---|---|",
        *_rows(plan, known, ap),
        "",
        *paragraph(
            interval_note("recipes, starts and numbers of labels", "test people"), "Gains are taken seed by seed."
        ),
        "",
        *_starts(plan, known),
        *_precision(known, asked),
    ]
    write_page(report, PAGE_NAME, lines, _figure(plan, ap))


def _of_teachers(teachers: Mapping[str, Figures], validated: int, is_without_labels: bool) -> list[str]:
    """Who the outside teachers are, and what they are given for nothing."""
    if not teachers:
        return []
    words = [
        f"`{name}` (AP {own.ap:.3f}, PCK@0.2 {own.pck_02:.3f} on the validation people)"
        for name, own in teachers.items()
    ]
    given = (
        f"Trust in it is learned on the labels of the {validated} validation pictures, which `{PLAIN}` does without."
    )
    nothing = f"With 0 labels `{SUPERVISED}` is the starter as it ships." if is_without_labels else ""
    asked = "Each is asked once about every picture and its mirror image; that is not among the passes or the seconds."
    return [*paragraph(f"Outside teachers: {', '.join(words)}.", asked, given, nothing), ""]


def _groups(known: Mapping[StudentTrial, StudentOutcome], name: str) -> dict[Group, list[float]]:
    groups: dict[Group, list[float]] = {}
    for trial, outcome in known.items():
        value = getattr(outcome, name)
        if value is not None:
            groups.setdefault((trial.start, trial.labels, trial.recipe), []).append(float(value))
    return groups


def _means(known: Mapping[StudentTrial, StudentOutcome], name: str) -> dict[Group, SeedMean]:
    return seed_means(_groups(known, name))


def gains(known: Mapping[StudentTrial, StudentOutcome]) -> dict[Group, SeedMean]:
    """AP of each recipe less that of labels alone, seed by seed: both learn from the same labelled pictures.

    Without labels, less that of the start itself, which is measured once.
    """
    unfitted = {
        (trial.start, 0): each for trial, each in known.items() if not trial.labels and trial.recipe == SUPERVISED
    }
    differences: dict[Group, list[float]] = {}
    for trial, outcome in known.items():
        other = known.get(replace(trial, recipe=SUPERVISED), unfitted.get((trial.start, trial.labels)))
        if trial.recipe != SUPERVISED and other is not None:
            differences.setdefault((trial.start, trial.labels, trial.recipe), []).append(outcome.ap - other.ap)
    return seed_means(differences)


def _rows(plan: StudentPlan, known: Mapping[StudentTrial, StudentOutcome], ap: Mapping[Group, SeedMean]) -> list[str]:
    pck, val = _means(known, "pck_02"), _means(known, "val_ap")
    seconds, counts = _groups(known, "seconds"), _groups(known, "ap")
    gained = gains(known)
    rows = []
    for start in plan.starts:
        for labels in plan.labels:
            base = ap.get((start, labels, SUPERVISED))
            for recipe in plan.recipes:
                group = (start, labels, recipe)
                if group not in ap:
                    continue
                ratio = f"{ap[group].mean / base.mean:.2f}" if base and base.mean > 0 else "-"
                gain = gained[group].text("+") if group in gained else "-"
                rows.append(
                    f"| {start} | {labels} | {recipe} | {ap[group].text()} | {ratio} | {gain} | {pck[group].text()} "
                    f"| {val[group].text()} | {np.mean(seconds[group]):.0f} | {len(counts[group])} |"
                )
    return rows


def _starts(plan: StudentPlan, known: Mapping[StudentTrial, StudentOutcome]) -> list[str]:
    """What each start gains over those that need no films or fits of one's own, on the same labels."""
    if len(plan.starts) < 2:
        return []
    rows = []
    for base in (start for start in STARTS if start in plan.starts):
        differences: dict[Group, list[float]] = {}
        for trial, outcome in known.items():
            other = known.get(replace(trial, start=base))
            if trial.start != base and other is not None:
                group = (trial.start, trial.labels, trial.recipe)
                differences.setdefault(group, []).append(outcome.ap - other.ap)
        for (start, labels, recipe), gain in sorted(seed_means(differences).items()):
            clear = "yes" if gain.is_clear else "no"
            rows.append(f"| {start} | {base} | {labels} | {recipe} | {gain.text('+')} | {clear} |")
    return [
        "AP of a start less that of another one, seed by seed, since both learn from the same labels:",
        "",
        "| start | less | labels | recipe | gain | 0 left out |",
        "|---|---|---|---|---|---|",
        *rows,
        "",
    ]


def _precision(known: Mapping[StudentTrial, StudentOutcome], asked: float) -> list[str]:
    precision, coverage = _means(known, "precision"), _means(known, "coverage")
    people = _groups(known, "pseudo_people")
    if not precision:
        return []
    rows = []
    for group in precision:
        start, labels, recipe = group
        aims = (f"{asked:g}", f"{100 * (precision[group].mean - asked):+.1f}") if recipe in AT_TARGET else ("-", "-")
        rows.append(
            f"| {start} | {labels} | {recipe} | {aims[0]} | {precision[group].text()} | {aims[1]} "
            f"| {coverage[group].text()} | {np.mean(people[group]):.0f} |"
        )
    return [
        *paragraph(
            "Accepted joints, by the labels that were hidden. Precision: of the accepted joints the "
            "share that is right. Coverage: of all labelled joints the share that is accepted."
        ),
        "",
        "| start | labels | recipe | asked | precision | less asked, points | coverage | people learned from |",
        "|---|---|---|---|---|---|---|---|",
        *rows,
    ]


def _figure(plan: StudentPlan, ap: Mapping[Group, SeedMean]) -> Figure:
    figure = new_figure(3.5 * len(plan.starts) + 1, 3.5)
    panels = figure.subplots(1, len(plan.starts), sharey=True, squeeze=False)[0]
    for panel, start in zip(panels, plan.starts, strict=True):
        width = 0.8 / len(plan.recipes)
        for number, recipe in enumerate(plan.recipes):
            found = [ap.get((start, labels, recipe)) for labels in plan.labels]
            at = np.arange(len(plan.labels)) + (number - (len(plan.recipes) - 1) / 2) * width
            heights = [mean.mean if mean else 0.0 for mean in found]
            errors = [mean.half_width if mean and np.isfinite(mean.half_width) else 0.0 for mean in found]
            panel.bar(at, heights, width, yerr=errors, capsize=3, label=recipe)
        panel.set_xticks(range(len(plan.labels)), [str(labels) for labels in plan.labels])
        panel.set(xlabel="pictures with labels", title=f"from {start}")
    panels[0].set_ylabel("AP on test people")
    panels[0].legend(fontsize=8)
    return figure
