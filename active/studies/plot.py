"""The plot of a study of selection rules: AP by labels, and the difference to random seed by seed."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np

from dataengine.studies.page import GREY, STYLES, new_figure
from dataengine.studies.seed_spread import SeedMean

from .curves import paired_difference
from .outcome import Curves, LearningCurve
from .plan import RANDOM, RULES

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_STYLE = dict(zip(RULES, STYLES, strict=False))
_APART = 0.008  # of the widest number of labels, between rules, so that intervals do not hide each other


def study_figure(curves: Curves, means: Mapping[tuple[str, int], SeedMean]) -> Figure:
    """Left the means and their intervals, right the differences to random with intervals of their own."""
    figure = new_figure(9.6, 4.0)
    left, right = figure.subplots(1, 2)
    right.axhline(0, color=GREY, linewidth=1)
    widest = max((labels for _, labels in means), default=1)
    for place, rule in enumerate(curves):
        shift = (place - (len(curves) - 1) / 2) * _APART * widest
        color, marker = _STYLE[rule]
        own = {labels: mean for (name, labels), mean in means.items() if name == rule}
        both = {} if rule == RANDOM else _differences(curves.get(RANDOM, {}), curves[rule])
        for axes, points in ((left, own), (right, both)):
            if points:
                half = np.nan_to_num([point.half_width for point in points.values()])
                axes.errorbar(
                    [labels + shift for labels in points],
                    [point.mean for point in points.values()],
                    half,
                    fmt=f"{marker}-",
                    color=color,
                    capsize=3,
                    markersize=5,
                    label=rule,
                )
    left.set(xlabel="images with labels", ylabel="OKS AP on the test people")
    right.set(xlabel="images with labels", ylabel="AP less that of random, by seed")
    for axes in (left, right):
        axes.grid(axis="y", alpha=0.3)
        axes.set_xticks(sorted({labels for _, labels in means}))
    if means:
        left.legend(fontsize="small")
    return figure


def _differences(baseline: Mapping[int, LearningCurve], own: Mapping[int, LearningCurve]) -> dict[int, SeedMean]:
    """Labels -> mean difference, of the seeds that both have there; after round 0, which they share."""
    values: dict[int, tuple[list[float], list[float]]] = {}
    for seed in own.keys() & baseline.keys():
        for labels, ours, theirs in list(zip(own[seed].labels, own[seed].ap, baseline[seed].ap, strict=False))[1:]:
            pair = values.setdefault(labels, ([], []))
            pair[0].append(ours)
            pair[1].append(theirs)
    return {labels: paired_difference(*values[labels]) for labels in sorted(values)}
