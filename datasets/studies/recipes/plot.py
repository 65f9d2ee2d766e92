"""The plot of a study of training recipes: AP by the number of real images, PCK by the number of rendered ones."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

Points = Mapping[int, tuple[float, float]]
"""Number of images -> mean, and half of its interval, which may be NaN."""
# Okabe and Ito's colours, told apart by everybody; a marker each for print without colour
STYLES = {
    "real": ("#000000", "o"),
    "synthetic": ("#e69f00", "s"),
    "mix": ("#56b4e9", "^"),
    "mix-oversampled": ("#009e73", "v"),
    "pretrain-mix": ("#d55e00", "D"),
}
_DPI = 110
_APART = 0.02  # of the axis, between the recipes at one number of images, so that intervals do not hide each other


def write_plot(path: Path, by_recipe: Mapping[str, Points], curve: Points) -> None:
    """A PNG. In `by_recipe` the key 0 is a recipe without labels: a level line, its interval a band."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(9.6, 4.0), dpi=_DPI, layout="constrained")
    left, right = figure.subplots(1, 2, width_ratios=(1.5, 1))
    labelled = sorted({count for points in by_recipe.values() for count in points if count})
    for place, (recipe, points) in enumerate(by_recipe.items()):
        color, marker = STYLES[recipe]
        if 0 in points:
            mean, half = points[0]
            left.axhline(mean, color=color, linestyle="--", label=recipe)
            if np.isfinite(half):
                left.axhspan(mean - half, mean + half, color=color, alpha=0.15, linewidth=0)
        counts = [count for count in labelled if count in points]
        shift = (1 + _APART) ** (place - len(by_recipe) / 2)
        _line(left, [count * shift for count in counts], [points[c] for c in counts], color, marker, recipe)
    _line(right, sorted(curve), [curve[count] for count in sorted(curve)], *STYLES["synthetic"], "synthetic")
    _axes(left, labelled, "real training images", "OKS AP on the test people")
    _axes(right, sorted(curve), "rendered images, no real ones", "PCK@0.2 on the test people")
    if by_recipe:
        left.legend(fontsize="small")
    figure.savefig(path, metadata={"Software": None})


def _line(axes: Any, x: list[float], points: list[tuple[float, float]], color: str, marker: str, label: str) -> None:
    if not points:
        return
    mean, half = np.array(points).T
    axes.errorbar(x, mean, np.nan_to_num(half), fmt=f"{marker}-", color=color, capsize=3, markersize=5, label=label)


def _axes(axes: Any, counts: list[int], across: str, up: str) -> None:
    axes.set(xlabel=across, ylabel=up)
    axes.grid(axis="y", alpha=0.3)
    if counts:
        axes.set_xscale("log")
        axes.set_xticks(counts, [f"{count:,}" for count in counts])
        axes.minorticks_off()
        axes.set_xlim(min(counts) / 1.3, max(counts) * 1.3)
