"""What a study of rounds found so far: the page with its table and verdicts, and the plot."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from dataengine.files import atomic_path
from dataengine.studies.seed_spread import LEVEL, half_widths

from .plan import FULL, ROUND, Plan, Variant

MISSING = "missing"
# Okabe and Ito's colours, told apart by everybody
COLORS = ("#000000", "#e69f00", "#56b4e9", "#009e73", "#d55e00", "#cc79a7", "#0072b2")
MARKERS = "os^vDPX"
_DPI = 110


@dataclass(frozen=True)
class Base:
    """The earlier network, before any round."""

    new_ap: float
    old_ap: float
    new_people: int
    old_people: int


@dataclass(frozen=True)
class Outcome:
    """What one fit came to."""

    new_ap: float
    """OKS AP on the new validation people."""
    old_ap: float
    """OKS AP on the old test people."""
    seconds: float
    """Of fitting alone, without validation."""


@dataclass(frozen=True)
class Row:
    """Means over the seeds of a variant, and half of the interval of each AP; NaN for a single seed."""

    variant: Variant
    seeds: int
    new_ap: float
    new_half: float
    old_ap: float
    old_half: float
    seconds: float


def rows(plan: Plan, known: Mapping[tuple[Variant, int], Outcome]) -> list[Row]:
    """Of the variants with a known fit; the spread over seeds is pooled over them."""
    found = {v: [known[v, seed] for seed in plan.seeds if (v, seed) in known] for v in plan.variants()}
    found = {variant: outcomes for variant, outcomes in found.items() if outcomes}
    if not found:
        return []
    new = half_widths([[o.new_ap for o in outcomes] for outcomes in found.values()])
    old = half_widths([[o.old_ap for o in outcomes] for outcomes in found.values()])
    return [
        Row(
            variant,
            len(outcomes),
            float(np.mean([o.new_ap for o in outcomes])),
            float(new[place]) if len(outcomes) > 1 else float("nan"),
            float(np.mean([o.old_ap for o in outcomes])),
            float(old[place]) if len(outcomes) > 1 else float("nan"),
            float(np.mean([o.seconds for o in outcomes])),
        )
        for place, (variant, outcomes) in enumerate(found.items())
    ]


def write_report(report: Path, plan: Plan, base: Base, known: Mapping[tuple[Variant, int], Outcome]) -> None:
    """Write rounds.md, which shows the plot beside it, and rounds.png into the folder `report`."""
    found = rows(plan, known)
    with atomic_path(report / "rounds.png") as partial:
        write_plot(partial, base, found)
    with atomic_path(report / "rounds.md") as partial:
        partial.write_text(page(plan, base, found, len(known)), encoding="utf-8")


def page(plan: Plan, base: Base, found: Sequence[Row], known: int) -> str:
    """Markdown: the command, the plot, the table, what may be said, and what the figures leave out."""
    planned = len(plan.fits())
    table = {row.variant: row for row in found}
    lines = [
        "# What a fine-tuning round costs and forgets",
        "",
        f"    {command_of(plan)}",
        "",
        *([] if known == planned else [f"**Unfinished: {known} of {planned} fits are known.**", ""]),
        f"AP on {base.new_people} new validation people and on {base.old_people} test people of the earlier round.",
        f"The full fit goes on from nothing earlier and sees {plan.full_people} people; a round goes on from the",
        f"earlier network at a learning rate of {plan.learning_rate:g} and sees {plan.people}. Both numbers include",
        "old people.",
        "",
        "![AP on new people by AP on old people](rounds.png)",
        "",
        "| fit | AP, new people | AP, old people | seconds | seeds |",
        "|---|---|---|---|---|",
        f"| the earlier network | {base.new_ap:.3f} | {base.old_ap:.3f} | - | - |",
        *(_row(variant, table.get(variant), len(plan.seeds)) for variant in plan.variants()),
        "",
        *_verdicts(base, found),
        "",
        f"± is half of the mean's {LEVEL:.0%} interval, the spread over seeds pooled over the fits: it speaks of other",
        "seeds on the same people from the same earlier network, not of other people. Seconds are those of fitting,",
        'without validation. "Decay" is the factor of each stage\'s learning rate below that of the stage above it.',
    ]
    return "\n".join(lines) + "\n"


def command_of(plan: Plan) -> str:
    """The command line that asked for `plan`."""
    words = [f"dataengine compare-rounds --base {plan.base} --old {plan.old}"]
    words += [f"--share {share:g}" for share in plan.shares]
    words += [f"--layer-decay {decay:g}" for decay in plan.layer_decays]
    words += [f"--learning-rate {plan.learning_rate:g}", f"--full-share {plan.full_share:g}"]
    words += [f"--people {plan.people}", f"--full-people {plan.full_people}", f"--epochs {plan.epochs}"]
    words += [*(f"--seed {seed}" for seed in plan.seeds), f"--stage {plan.stage}"]
    words += [f"--set {key}={value}" for key, value in plan.settings.items()]
    return " ".join([*words, "--report reports/compare-rounds"])


def _row(variant: Variant, row: Row | None, planned: int) -> str:
    if row is None:
        return f"| {variant.text()} | {MISSING} | {MISSING} | {MISSING} | 0 of {planned} |"
    count = f"{row.seeds}" if row.seeds == planned else f"{row.seeds} of {planned}"
    new, old = _text(row.new_ap, row.new_half), _text(row.old_ap, row.old_half)
    return f"| {variant.text()} | {new} | {old} | {row.seconds:.0f} | {count} |"


def _text(mean: float, half: float) -> str:
    return f"{mean:.3f}" + ("" if np.isnan(half) else f" ± {half:.3f}")


def _verdicts(base: Base, found: Sequence[Row]) -> list[str]:
    """For each round its cost beside the full fit, and what it gained and forgot."""
    full = next((row for row in found if row.variant.kind == FULL), None)
    lines = []
    for row in found:
        if row.variant.kind != ROUND:
            continue
        cost = f"{row.seconds / full.seconds:.2f} of the full fit's time, " if full and full.seconds else ""
        gained = _change(row.new_ap - base.new_ap, row.new_half)
        lost = _change(row.old_ap - base.old_ap, row.old_half)
        lines.append(f"- {row.variant.text()}: {cost}{gained} on new people, {lost} on old ones.")
    return lines


def _change(change: float, half: float) -> str:
    if np.isnan(half):
        return f"{change:+.3f} (one seed)"
    return f"{change:+.3f} ± {half:.3f}" + ("" if abs(change) > half else " (not told apart from none)")


def write_plot(path: Path, base: Base, found: Sequence[Row]) -> None:
    """A PNG: AP on old people across, on new people up; best is the upper right corner."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(7.2, 4.2), dpi=_DPI, layout="constrained")
    axes = figure.add_subplot()
    axes.plot(base.old_ap, base.new_ap, "*", color="#777777", markersize=12, label="the earlier network")
    axes.axvline(base.old_ap, color="#777777", linestyle=":", linewidth=1)
    for place, row in enumerate(found):
        axes.errorbar(
            row.old_ap,
            row.new_ap,
            xerr=np.nan_to_num(row.old_half),
            yerr=np.nan_to_num(row.new_half),
            color=COLORS[place % len(COLORS)],
            marker=MARKERS[place % len(MARKERS)],
            linestyle="none",
            capsize=3,
            label=f"{row.variant.text()}: {row.seconds:.0f} s",
        )
    axes.set(xlabel="OKS AP on the old test people", ylabel="OKS AP on the new validation people")
    axes.grid(alpha=0.3)
    axes.legend(fontsize="small")
    figure.savefig(path, metadata={"Software": None})
