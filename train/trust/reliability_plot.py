"""The reliability diagram before and after calibration, on axes of matplotlib."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dataengine.studies.page import GREY, STYLES

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from dataengine.evaluation.analysis.calibration import Reliability


def draw_reliability(axes: Axes, before_after: tuple[Reliability, Reliability]) -> None:
    """Confidence against the share of right joints, before and after calibration."""
    axes.plot([0, 1], [0, 1], color=GREY, linewidth=1)
    for diagram, name, (color, marker) in zip(before_after, ("before", "calibrated"), STYLES, strict=False):
        some = diagram.count > 0
        label = f"{name}, ECE {diagram.ece:.3f}"
        axes.plot(diagram.confidence[some], diagram.outcome[some], color=color, marker=marker, label=label)
    axes.set(xlabel="confidence", ylabel="share of joints that are right", xlim=(0, 1), ylim=(0, 1))
    axes.legend(frameon=False)
