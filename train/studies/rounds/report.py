"""The results of a study of rounds so far: the page with its table and verdicts, and the plot."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from dataengine.studies.page import (
    GREY,
    MISSING,
    STYLES,
    command_line,
    interval_note,
    new_figure,
    paragraph,
    unfinished,
    write_page,
)
from dataengine.studies.seed_spread import SeedMean, seed_means
from dataengine.studies.settings import assignments

from .plan import FULL, ROUND, Fit, RoundPlan, Variant

if TYPE_CHECKING:
    from matplotlib.figure import Figure


@dataclass(frozen=True)
class Base:
    """The earlier network, before any round."""

    new_ap: float
    old_ap: float
    new_people: int
    old_people: int
    oks_sigmas: str


@dataclass(frozen=True)
class RoundOutcome:
    """The result of one fit."""

    new_ap: float
    """OKS AP on the new validation people."""
    old_ap: float
    """OKS AP on the old test people."""
    seconds: float
    """Time of fitting alone, without validation."""


@dataclass(frozen=True)
class VariantMeans:
    """Means over the seeds of a variant."""

    variant: Variant
    seeds: int
    new_ap: SeedMean
    old_ap: SeedMean
    seconds: float


def variant_means(plan: RoundPlan, finished: Mapping[Fit, RoundOutcome]) -> list[VariantMeans]:
    """Means of the variants that have a finished fit; the spread over seeds is pooled over them."""
    outcomes = {v: [finished[v, seed] for seed in plan.seeds if (v, seed) in finished] for v in plan.variants()}
    new = seed_means({variant: [fit.new_ap for fit in fits] for variant, fits in outcomes.items()})
    old = seed_means({variant: [fit.old_ap for fit in fits] for variant, fits in outcomes.items()})
    return [
        VariantMeans(variant, len(fits), new[variant], old[variant], float(np.mean([fit.seconds for fit in fits])))
        for variant, fits in outcomes.items()
        if fits
    ]


def write_round_report(report: Path, plan: RoundPlan, base: Base, finished: Mapping[Fit, RoundOutcome]) -> None:
    """Write rounds.md and the plot that it shows, rounds.png, into the folder `report`."""
    means = variant_means(plan, finished)
    write_page(report, "rounds", round_page(plan, base, means, len(finished)), round_figure(base, means))


def round_page(plan: RoundPlan, base: Base, means: Sequence[VariantMeans], finished: int) -> list[str]:
    """Markdown: the command, the plot, the table, what follows from it, and what the figures leave out."""
    means_of = {each.variant: each for each in means}
    return [
        "# What a fine-tuning round costs and forgets",
        "",
        f"    {command_of(plan)}",
        "",
        *unfinished(finished, len(plan.fits()), "fit"),
        *paragraph(
            f"AP on {base.new_people} new validation people and on {base.old_people} test people of the earlier round.",
            f"The full fit starts from random weights and sees {plan.full_people} people; a round goes on from the",
            f"earlier network at a learning rate of {plan.learning_rate:g} and sees {plan.people}.",
            f"Both numbers include old people. Sigmas of OKS: {base.oks_sigmas}.",
        ),
        "",
        "![AP on new people by AP on old people](rounds.png)",
        "",
        "| fit | AP, new people | AP, old people | seconds | seeds |",
        "|---|---|---|---|---|",
        f"| the earlier network | {base.new_ap:.3f} | {base.old_ap:.3f} | - | - |",
        *(_row(variant, means_of.get(variant), len(plan.seeds)) for variant in plan.variants()),
        "",
        *_verdicts(base, means),
        "",
        *paragraph(
            interval_note("the fits", "people from the same earlier network"),
            "Seconds are those of fitting, without validation.",
            '"Decay" is the factor of each stage\'s learning rate below that of the stage above it.',
        ),
    ]


def command_of(plan: RoundPlan) -> str:
    """The command line that asked for `plan`."""
    return command_line(
        "compare-rounds",
        base=plan.base,
        old=plan.old,
        share=[f"{share:g}" for share in plan.shares],
        layer_decay=[f"{decay:g}" for decay in plan.layer_decays],
        learning_rate=f"{plan.learning_rate:g}",
        full_share=f"{plan.full_share:g}",
        people=plan.people,
        full_people=plan.full_people,
        epochs=plan.epochs,
        seed=plan.seeds,
        stage=plan.stage,
        set=assignments(plan.settings),
    )


def _row(variant: Variant, means: VariantMeans | None, planned: int) -> str:
    if means is None:
        return f"| {variant.text()} | {MISSING} | {MISSING} | {MISSING} | 0 of {planned} |"
    count = f"{means.seeds}" if means.seeds == planned else f"{means.seeds} of {planned}"
    return f"| {variant.text()} | {means.new_ap.text()} | {means.old_ap.text()} | {means.seconds:.0f} | {count} |"


def _verdicts(base: Base, means: Sequence[VariantMeans]) -> list[str]:
    """For each round its cost compared with the full fit, and what it gained and forgot."""
    full = next((each for each in means if each.variant.kind == FULL), None)
    lines = []
    for each in means:
        if each.variant.kind != ROUND:
            continue
        cost = f"{each.seconds / full.seconds:.2f} of the full fit's time, " if full and full.seconds else ""
        gained, lost = _change(each.new_ap, base.new_ap), _change(each.old_ap, base.old_ap)
        lines.append(f"- {each.variant.text()}: {cost}{gained} on new people, {lost} on old ones.")
    return lines


def _change(now: SeedMean, before: float) -> str:
    change = now.gain_over(SeedMean(before, 0.0))
    if np.isnan(change.half_width):
        return f"{change.text('+')} (one seed)"
    return change.text("+") + ("" if change.is_clear else " (not distinguishable from none)")


def round_figure(base: Base, means: Sequence[VariantMeans]) -> Figure:
    """AP on old people across, on new people up; the upper right corner is best."""
    figure = new_figure(7.2, 4.2)
    axes = figure.add_subplot()
    axes.plot(base.old_ap, base.new_ap, "*", color=GREY, markersize=12, label="the earlier network")
    axes.axvline(base.old_ap, color=GREY, linestyle=":", linewidth=1)
    for place, each in enumerate(means):
        color, marker = STYLES[place % len(STYLES)]
        axes.errorbar(
            each.old_ap.mean,
            each.new_ap.mean,
            xerr=np.nan_to_num(each.old_ap.half_width),
            yerr=np.nan_to_num(each.new_ap.half_width),
            color=color,
            marker=marker,
            linestyle="none",
            capsize=3,
            label=f"{each.variant.text()}: {each.seconds:.0f} s",
        )
    axes.set(xlabel="OKS AP on the old test people", ylabel="OKS AP on the new validation people")
    axes.grid(alpha=0.3)
    axes.legend(fontsize="small")
    return figure
