"""What a sweep over the ratio found: the plot, the table, and what may be said about the best ratio."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from dataengine.files import atomic_path, write_json
from dataengine.studies.seed_spread import LEVEL, half_widths

DEFAULT_RATIO = Fraction(1, 3)
INTERVAL_NOTE = (
    f"± is half of the mean's {LEVEL:.0%} interval, the spread over seeds pooled over the ratios: it speaks\n"
    "of other seeds on the same training and validation people, not of other people. "
)
_DPI = 110


@dataclass(frozen=True)
class Trial:
    """One fit."""

    ratio: Fraction
    seed: int


@dataclass(frozen=True, eq=False)
class SweepSummary:
    """Figures by ratio, r of them in ascending order, s seeds each."""

    ratios: tuple[Fraction, ...]
    seeds: tuple[int, ...]
    ap: NDArray[np.float64]  # (r, s)
    half_width: float  # of the interval of each mean; NaN for a single seed

    @property
    def mean(self) -> NDArray[np.float64]:
        """Mean over seeds (r,)."""
        return np.asarray(self.ap.mean(axis=1))

    def verdict(self) -> str:
        """The best ratio, and whether seeds alone could have made it better than the default."""
        best = int(self.mean.argmax())
        told = f"Highest: {_text(self.ratios[best])}, AP {self.mean[best]:.3f}."
        if DEFAULT_RATIO not in self.ratios or self.ratios[best] == DEFAULT_RATIO:
            return told
        if np.isnan(self.half_width):
            return f"{told} A single seed does not tell whether another ratio is better."
        gain = float(self.mean[best] - self.mean[self.ratios.index(DEFAULT_RATIO)])
        reach = self.half_width * np.sqrt(2)  # of a difference of two means with the same spread
        apart = "told apart from" if gain > reach else "not told apart from"
        return f"{told} It is {apart} the default {_text(DEFAULT_RATIO)} ({gain:+.3f} ± {reach:.3f})."


def summarise(results: Mapping[Trial, float]) -> SweepSummary:
    """Means and their interval, from AP by trial, every ratio with the same seeds: see `half_widths`."""
    ratios, seeds = sorted({trial.ratio for trial in results}), sorted({trial.seed for trial in results})
    ap = np.array([[results[Trial(ratio, seed)] for seed in seeds] for ratio in ratios])
    return SweepSummary(tuple(ratios), tuple(seeds), ap, float(half_widths(ap.tolist())[0]))


def write_sweep(report: Path, results: Mapping[Trial, float], stage: str, settings: Sequence[str]) -> None:
    """Write sweep.json, sweep.md, which shows the plot beside it, and sweep.png into the folder `report`."""
    summary = summarise(results)
    records = [{"ratio": str(t.ratio), "seed": t.seed, "val_ap": ap} for t, ap in sorted(results.items(), key=_order)]
    write_json(report / "sweep.json", {"stage": stage, "settings": list(settings), "trials": records})
    with atomic_path(report / "sweep.md") as partial:
        partial.write_text(page(summary, stage, settings), encoding="utf-8")
    with atomic_path(report / "sweep.png") as partial:
        write_plot(partial, summary, stage)


def page(summary: SweepSummary, stage: str, settings: Sequence[str]) -> str:
    """Markdown: the command, the plot, a row a ratio, the verdict, and what the figures leave out."""
    reach = "" if np.isnan(summary.half_width) else f" ± {summary.half_width:.3f}"
    rows = [
        f"| {_text(ratio)} | {mean:.3f}{reach} | {' '.join(f'{ap:.3f}' for ap in aps)} |"
        for ratio, mean, aps in zip(summary.ratios, summary.mean, summary.ap, strict=True)
    ]
    seed_words = [f"--seed {seed}" for seed in summary.seeds]
    words = [*(f"--ratio {ratio}" for ratio in summary.ratios), *seed_words, *(f"--set {value}" for value in settings)]
    lines = [
        "# How many synthetic people for each real one: a sweep",
        "",
        f"    dataengine sweep-mix --stage {stage} {' '.join(words)} --report reports/sweep-mix",
        "",
        "![Validation AP by ratio](sweep.png)",
        "",
        "| synthetic : real | mean AP | each seed |",
        "|---|---|---|",
        *rows,
        "",
        summary.verdict(),
        "",
        f"Validation OKS-AP of `{stage}`. {INTERVAL_NOTE if reach else ''}Every ratio sees the real",
        "people equally often; more synthetic people make an epoch longer, so that they also bring more steps.",
    ]
    return "\n".join(lines) + "\n"


def write_plot(path: Path, summary: SweepSummary, stage: str) -> None:
    """A PNG: each fit as a dot, the means with their interval."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(6.4, 3.8), dpi=_DPI, layout="constrained")
    axes = figure.add_subplot()
    place = np.arange(len(summary.ratios))
    for aps in summary.ap.T:
        axes.plot(place, aps, "o", color="#999999", markersize=4)
    width = None if np.isnan(summary.half_width) else np.full(len(place), summary.half_width)
    axes.errorbar(place, summary.mean, width, fmt="o-", color="#0072b2", capsize=4, label=f"mean, {LEVEL:.0%} interval")
    axes.plot([], [], "o", color="#999999", markersize=4, label="one seed")
    axes.set_xticks(place, [_text(ratio) for ratio in summary.ratios])
    axes.set(xlabel="synthetic : real people drawn", ylabel=f"validation OKS-AP of {stage}")
    axes.grid(axis="y", alpha=0.3)
    axes.legend()
    figure.savefig(path, metadata={"Software": None})


def _text(ratio: Fraction) -> str:
    return f"{ratio.numerator} : {ratio.denominator}"


def _order(item: tuple[Trial, float]) -> tuple[Fraction, int]:
    return item[0].ratio, item[0].seed
