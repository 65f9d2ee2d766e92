"""The plot of a study of training recipes: AP by the number of real images, PCK by the number of rendered ones."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from dataengine.studies.page import STYLES, new_figure
from dataengine.studies.seed_spread import SeedMean

from .plan import RECIPES, SYNTHETIC

if TYPE_CHECKING:
    from matplotlib.figure import Figure

Points = Mapping[int, SeedMean]
"""Number of images -> a mean."""
_STYLE = dict(zip(RECIPES, STYLES, strict=False))
_APART = 0.02  # of the axis, between the recipes at one number of images, so that intervals do not hide each other


def recipe_figure(by_recipe: Mapping[str, Points], curve: Points) -> Figure:
    """In `by_recipe` the key 0 is a recipe without labels: a level line, its interval a band."""
    figure = new_figure(9.6, 4.0)
    left, right = figure.subplots(1, 2, width_ratios=(1.5, 1))
    labelled = sorted({count for points in by_recipe.values() for count in points if count})
    for place, (recipe, points) in enumerate(by_recipe.items()):
        if 0 in points:
            _level(left, recipe, points[0])
        counts = [count for count in labelled if count in points]
        shift = (1 + _APART) ** (place - len(by_recipe) / 2)
        _line(left, recipe, [count * shift for count in counts], [points[count] for count in counts])
    _line(right, SYNTHETIC, sorted(curve), [curve[count] for count in sorted(curve)])
    _axes(left, labelled, "real training images", "OKS AP on the test people")
    _axes(right, sorted(curve), "rendered images, no real ones", "PCK@0.2 on the test people")
    if by_recipe:
        left.legend(fontsize="small")
    return figure


def _style(recipe: str) -> tuple[str, str]:
    """Colour and marker: a recipe of the table has its own, another one those that its name decides."""
    return _STYLE.get(recipe) or STYLES[sum(map(ord, recipe)) % len(STYLES)]


def _level(axes: Any, recipe: str, point: SeedMean) -> None:
    color, _ = _style(recipe)
    axes.axhline(point.mean, color=color, linestyle="--", label=recipe)
    if np.isfinite(point.half_width):
        low, high = point.mean - point.half_width, point.mean + point.half_width
        axes.axhspan(low, high, color=color, alpha=0.15, linewidth=0)


def _line(axes: Any, recipe: str, x: list[float], points: list[SeedMean]) -> None:
    if not points:
        return
    color, marker = _style(recipe)
    mean, half = [point.mean for point in points], np.nan_to_num([point.half_width for point in points])
    axes.errorbar(x, mean, half, fmt=f"{marker}-", color=color, capsize=3, markersize=5, label=recipe)


def _axes(axes: Any, counts: list[int], across: str, up: str) -> None:
    axes.set(xlabel=across, ylabel=up)
    axes.grid(axis="y", alpha=0.3)
    if counts:
        axes.set_xscale("log")
        axes.set_xticks(counts, [f"{count:,}" for count in counts])
        axes.minorticks_off()
        axes.set_xlim(min(counts) / 1.3, max(counts) * 1.3)
