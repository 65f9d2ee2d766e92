"""The page of the study of trust: what was reached against what was asked, and reliability before and after."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from dataengine.evaluation.analysis.interval import Interval
from dataengine.files import write_json
from dataengine.studies.page import GREY, STYLES, new_figure, paragraph, write_page

from ...trust.reliability_plot import draw_reliability
from .measure import LEAST_ACCEPTED, SAME, TrustRow, TrustStudy

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from dataengine.evaluation.analysis.calibration import Reliability

PAGE_NAME = "trust"
THRESHOLDS = 0.0  # as `TrustRow.asked`


def write_trust_page(report: Path, study: TrustStudy, called: str) -> None:
    """Write trust.md, its plot trust.png, and metrics.json into the folder `report`."""
    figure = new_figure(9, 4)
    left, right = figure.subplots(1, 2)
    draw_reliability(left, study.reliability["all"])
    _draw_reached(right, study.rows)
    rows = [{key: None if value != value else value for key, value in asdict(row).items()} for row in study.rows]
    write_json(report / "metrics.json", {"rows": rows, "refusals": dict(study.refusals)})
    write_page(report, PAGE_NAME, _lines(study, called), figure)


def _draw_reached(axes: Axes, rows: Sequence[TrustRow]) -> None:
    names = list(dict.fromkeys(row.set_name for row in rows))
    asked = sorted({row.asked for row in rows} - {THRESHOLDS})
    lowest = min(asked) - 0.05
    axes.plot([lowest, 1], [lowest, 1], color=GREY, linewidth=1)
    for name, (color, marker) in zip(names, STYLES, strict=False):
        means = [_mean([r for r in rows if (r.set_name, r.asked) == (name, a)], "precision") for a in asked]
        axes.plot(asked, means, color=color, marker=marker, label=Path(name).name, linestyle="--")
    axes.set(xlabel="precision asked for", ylabel="precision reached, mean over splits")
    axes.legend(frameon=False, fontsize="small")


def _lines(study: TrustStudy, called: str) -> list[str]:
    people, groups = study.calibrated_on
    seeds = len({row.seed for row in study.rows})
    lines = ["# What accepted joints are worth", "", "    " + called, ""]
    lines += paragraph(
        f"Half of the set's groups calibrates, {people} people in {groups} groups in the first of {seeds} splits; the "
        "other half and the sets named by their files only measure. Precision: of the accepted joints that have a "
        "label, the share that is right. Coverage: of the labelled joints of people that were found, the share that is "
        "accepted. The mean over splits, in brackets the lowest and highest bound of the splits' 95 % intervals, for "
        "which groups are resampled whole. Every joint has a cutoff of its own, and is accepted whole where all its "
        "answers together are better than what was asked, so a low precision is exceeded. *Joints*: those with a "
        f"cutoff, and in brackets those that miss what was asked, of those with {LEAST_ACCEPTED} accepted answers; "
        "means over splits. *Other side*: of the accepted joints that are wrong, the share that would be right for the "
        "same joint of the other side. *Thresholds* are those of `params.yaml`, which promise no precision."
    )
    lines += ["", "| set | asked | precision reached | less asked, points | coverage | joints (below) | other side |"]
    lines += ["|---|---|---|---|---|---|---|"]
    for name in dict.fromkeys(row.set_name for row in study.rows):
        for asked in sorted({row.asked for row in study.rows}):
            of_both = [row for row in study.rows if (row.set_name, row.asked) == (name, asked)]
            lines.append(_table_row(name, asked, of_both))
    lines += ["", *_reliability_lines(study.reliability)]
    if study.refusals:
        lines += ["", "Sets that cannot calibrate themselves; `pseudo-label` says so and uses the thresholds:", ""]
        lines += [f"- {name}: {why}" for name, why in study.refusals.items()]
    return [*lines, "", f"![Reliability, and reached against asked]({PAGE_NAME}.png)"]


def _table_row(name: str, asked: float, rows: Sequence[TrustRow]) -> str:
    precision = _mean(rows, "precision")
    shown = "none accepted" if np.isnan(precision) else _spread(rows, "precision")
    sides = [row.other_side for row in rows if not np.isnan(row.other_side)]
    side = f"{np.mean(sides):.2f}" if sides else "-"
    if asked == THRESHOLDS:
        return f"| {name} | thresholds | {shown} | - | {_spread(rows, 'coverage')} | - | {side} |"
    gap = "-" if np.isnan(precision) else f"{100 * (precision - asked):+.1f}"
    joints, below = (np.mean([getattr(row, what) for row in rows]) for what in ("joints_accepted", "joints_below"))
    return (
        f"| {name} | {asked:g} | {shown} | {gap} | {_spread(rows, 'coverage')} | {joints:.1f} ({below:.1f}) | {side} |"
    )


def _reliability_lines(reliability: Mapping[str, tuple[Reliability, Reliability]]) -> list[str]:
    lines = paragraph(
        f"Reliability of single joints on the calibrating half, each calibrated on other groups ({SAME} plays no "
        "part): the expected calibration error of BlazePose's confidence, then of the calibrated one."
    )
    lines += ["", "| joint | labelled | right | ECE before | ECE after |", "|---|---|---|---|---|"]
    for name, (before, after) in reliability.items():
        count = int(before.count.sum())
        right = float(np.nansum(before.outcome * before.count) / count)
        lines.append(f"| {name.replace('_', ' ')} | {count} | {right:.3f} | {before.ece:.3f} | {after.ece:.3f} |")
    return lines


def _values(rows: Sequence[TrustRow], what: str) -> list[Interval]:
    return [interval for row in rows if (interval := getattr(row.reached, what)) is not None]


def _mean(rows: Sequence[TrustRow], what: str) -> float:
    values = [interval.value for interval in _values(rows, what)]
    return float(np.mean(values)) if values else float("nan")


def _spread(rows: Sequence[TrustRow], what: str) -> str:
    values = _values(rows, what)
    low, high = min(each.low for each in values), max(each.high for each in values)
    return f"{_mean(rows, what):.3f} ({low:.3f} to {high:.3f})"
