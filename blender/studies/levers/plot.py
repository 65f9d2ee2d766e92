"""The plot of the study of levers: what each adds to the base."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np

from dataengine.studies.page import STYLES, new_figure
from dataengine.studies.seed_spread import SeedMean

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_APART = 0.16  # of a row, between figures


def lever_figure(gains: Mapping[str, Mapping[str, SeedMean]]) -> Figure:
    """Figure name -> lever -> gain over the base, a row for each lever with an interval."""
    levers = list(dict.fromkeys(lever for of_figure in gains.values() for lever in of_figure))
    figure = new_figure(7.2, 1.2 + 0.32 * max(1, len(levers)))
    axes = figure.subplots()
    for place, (name, of_figure) in enumerate(gains.items()):
        color, marker = STYLES[place]
        rows = [
            (levers.index(lever) + _APART * (place - (len(gains) - 1) / 2), gain) for lever, gain in of_figure.items()
        ]
        if rows:
            axes.errorbar(
                [gain.mean for _, gain in rows],
                [row for row, _ in rows],
                xerr=np.nan_to_num([gain.half_width for _, gain in rows]),
                fmt=marker,
                color=color,
                capsize=3,
                markersize=5,
                label=name,
            )
    axes.axvline(0, color="black", linewidth=0.8)
    axes.set_yticks(range(len(levers)), levers)
    axes.set(xlabel="gain over the base", ylim=(len(levers) - 0.4, -0.6))
    axes.grid(axis="x", alpha=0.3)
    if any(gains.values()):
        axes.legend(fontsize="small")
    return figure
