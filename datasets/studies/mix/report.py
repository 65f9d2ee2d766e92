"""What a sweep over the ratio found: the plot, the table, and what may be said about the best ratio."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from dataengine.files import write_json
from dataengine.studies.page import BLUE, GREY, command_line, interval_note, new_figure, paragraph, write_page
from dataengine.studies.seed_spread import LEVEL, SeedMean, seed_gains, seed_means
from dataengine.studies.settings import assignments

from .plan import MixPlan, MixTrial

if TYPE_CHECKING:
    from matplotlib.figure import Figure

DEFAULT_RATIO = Fraction(1, 3)


@dataclass(frozen=True, eq=False)
class SweepSummary:
    """Figures by ratio, r of them in ascending order, s seeds each."""

    seeds: tuple[int, ...]
    ap: NDArray[np.float64]  # (r, s)
    means: Mapping[Fraction, SeedMean]

    def verdict(self) -> str:
        """The best ratio, and whether seeds alone could have made it better than the default."""
        best = max(self.means, key=lambda ratio: self.means[ratio].mean)
        highest = f"Highest: {_text(best)}, AP {self.means[best].mean:.3f}."
        if DEFAULT_RATIO not in self.means or best == DEFAULT_RATIO:
            return highest
        by_seed = [dict(zip(self.seeds, of_ratio, strict=True)) for of_ratio in self.ap.tolist()]
        gain = seed_gains(dict(zip(self.means, by_seed, strict=True)), DEFAULT_RATIO)[best]
        if np.isnan(gain.half_width):
            return f"{highest} A single seed cannot show whether another ratio is better."
        differs = "differs clearly" if gain.is_clear else "does not differ clearly"
        return f"{highest} It {differs} from the default {_text(DEFAULT_RATIO)} ({gain.text('+')}, seed by seed)."


def summarise_sweep(results: Mapping[MixTrial, float]) -> SweepSummary:
    """Means and their intervals, from AP by trial, every ratio with the same seeds."""
    ratios, seeds = sorted({trial.ratio for trial in results}), sorted({trial.seed for trial in results})
    ap = np.array([[results[MixTrial(ratio, seed)] for seed in seeds] for ratio in ratios])
    return SweepSummary(tuple(seeds), ap, seed_means(dict(zip(ratios, ap.tolist(), strict=True))))


def write_mix_report(report: Path, plan: MixPlan, results: Mapping[MixTrial, float]) -> None:
    """Write sweep.json, sweep.png and sweep.md, which shows the plot, into the folder `report`."""
    summary = summarise_sweep(results)
    ordered = sorted(results.items(), key=lambda item: (item[0].ratio, item[0].seed))
    records = [{"ratio": str(trial.ratio), "seed": trial.seed, "val_ap": ap} for trial, ap in ordered]
    document = {"stage": plan.stage, "settings": assignments(plan.settings), "trials": records}
    write_json(report / "sweep.json", document)
    write_page(report, "sweep", mix_page(plan, summary), mix_figure(summary, plan.stage))


def mix_page(plan: MixPlan, summary: SweepSummary) -> list[str]:
    """Markdown: the command, the plot, a row per ratio, the verdict, and what the figures leave out."""
    rows = [
        f"| {_text(ratio)} | {mean.text()} | {' '.join(f'{ap:.3f}' for ap in aps)} |"
        for (ratio, mean), aps in zip(summary.means.items(), summary.ap, strict=True)
    ]
    line = command_line(
        "sweep-mix",
        stage=plan.stage,
        ratio=list(summary.means),
        seed=summary.seeds,
        set=assignments(plan.settings),
    )
    return [
        "# How many synthetic people for each real one: a sweep",
        "",
        f"    {line}",
        "",
        "![Validation AP by ratio](sweep.png)",
        "",
        "| synthetic : real | mean AP | each seed |",
        "|---|---|---|",
        *rows,
        "",
        summary.verdict(),
        "",
        *paragraph(
            f"Validation OKS-AP of `{plan.stage}`.",
            interval_note("the ratios", "training and validation people") if len(summary.seeds) > 1 else "",
            "Every ratio sees the real people equally often; more synthetic people make an epoch longer, so that they "
            "also bring more steps.",
        ),
    ]


def mix_figure(summary: SweepSummary, stage: str) -> Figure:
    """Each fit as a dot, the means with their interval."""
    figure = new_figure(6.4, 3.8)
    axes = figure.add_subplot()
    place = np.arange(len(summary.means))
    for aps in summary.ap.T:
        axes.plot(place, aps, "o", color=GREY, markersize=4)
    mean, half = np.array([(each.mean, each.half_width) for each in summary.means.values()]).T
    width = None if np.isnan(half).all() else half
    axes.errorbar(place, mean, width, fmt="o-", color=BLUE, capsize=4, label=f"mean, {LEVEL:.0%} interval")
    axes.plot([], [], "o", color=GREY, markersize=4, label="one seed")
    axes.set_xticks(place, [_text(ratio) for ratio in summary.means])
    axes.set(xlabel="synthetic : real people drawn", ylabel=f"validation OKS-AP of {stage}")
    axes.grid(axis="y", alpha=0.3)
    axes.legend()
    return figure


def _text(ratio: Fraction) -> str:
    return f"{ratio.numerator} : {ratio.denominator}"
