"""The page of `compare-lifters`."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path

from dataengine.studies.page import STYLES, interval_note, new_figure, paragraph, unfinished, write_metrics, write_page
from dataengine.studies.seed_spread import SeedMean, seed_means

from .accuracy import LiftAccuracy
from .trials import TrialResult

PAGE = "lifting"
Group = tuple[int, str]  # receptive field, way


def write_lifters_page(
    report: Path, results: Sequence[TrialResult], still: Mapping[str, LiftAccuracy], called: str, trials: int
) -> None:
    """Write lifting.md, lifting.png and metrics.json into `report`."""
    lines = ["# Joints in space from joints along a film", "", f"    {called}", ""]
    lines += unfinished(len(results), trials, "fit")
    lines += paragraph(
        "MPJPE: mean distance of labelled joints in mm, the middle of the hips aligned; PA-MPJPE: each pose turned,",
        "scaled and moved onto the truth as well. Bones: mean standard deviation of a bone's length along a track, mm.",
        "*Mean pose* is one pose for all frames, that of the training windows.",
        interval_note("receptive fields and ways", "tracks"),
    )
    for name, of_still in still.items():
        lines += ["", f"## {name}", "", f"{of_still.frames} frames of people.", ""]
        lines += ["| receptive field | learnt | MPJPE | PA-MPJPE | bones |", "|---|---|---|---|---|"]
        lines += [f"|  | mean pose | {of_still.mpjpe_mm:.1f} | {of_still.pa_mpjpe_mm:.1f} | 0.0 |"]
        means = [_means(results, name, field) for field in ("mpjpe_mm", "pa_mpjpe_mm", "bone_change_mm")]
        for group in means[0]:
            cells = " | ".join(_text(each[group]) for each in means)
            lines.append(f"| {group[0]} | {group[1]} | {cells} |")
    lines += ["", "![MPJPE of each lifter](lifting.png)"]
    figure = new_figure(9, 4)
    axes = figure.add_subplot()
    for number, name in enumerate(still):
        color, marker = STYLES[number % len(STYLES)]
        means_of = _means(results, name, "mpjpe_mm")
        groups = list(means_of)
        values, widths = [means_of[each].mean for each in groups], [means_of[each].half_width for each in groups]
        label = f"{Path(name.split(',')[0]).parent.name}{name[name.rfind(':') :] if ': ' in name else ''}"
        axes.errorbar(range(len(groups)), values, yerr=widths, fmt=marker, color=color, label=label, capsize=3)
        axes.set_xticks(range(len(groups)), [f"{field}\n{way}" for field, way in groups], fontsize=7)
    axes.set_ylabel("MPJPE, mm")
    axes.legend(fontsize=7)
    write_page(report, PAGE, lines, figure)
    write_metrics(
        report,
        [
            {**asdict(each.trial), "accuracy": {name: asdict(of) for name, of in each.accuracy.items()}}
            for each in results
        ],
    )


def _means(results: Sequence[TrialResult], name: str, field: str) -> dict[Group, SeedMean]:
    groups: dict[Group, list[float]] = {}
    for each in results:
        group = each.trial.receptive_field, each.trial.way
        groups.setdefault(group, []).append(float(getattr(each.accuracy[name], field)))
    return seed_means(groups)


def _text(mean: SeedMean) -> str:
    return f"{mean.mean:.1f}" + ("" if mean.half_width != mean.half_width else f" ± {mean.half_width:.1f}")
