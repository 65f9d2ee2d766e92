"""The error breakdown as a picture: what is wrong with each joint, and what AP each class of error costs."""

from typing import TYPE_CHECKING

from dataengine.draw import OKABE_ITO
from dataengine.evaluation.analysis.breakdown import ErrorBreakdown
from dataengine.evaluation.analysis.joint_errors import JOINT_ERRORS

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

COLOURS = {
    "good": "#d9d9d9",
    "jitter": OKABE_ITO["sky blue"],
    "inversion": OKABE_ITO["orange"],
    "swap": OKABE_ITO["purple"],
    "miss": OKABE_ITO["vermilion"],
    "score": OKABE_ITO["blue"],
    "background": OKABE_ITO["yellow"],
    "not found": OKABE_ITO["green"],
}


def breakdown_figure(breakdown: ErrorBreakdown, title: str = "") -> "Figure":
    """Left: each joint's shares of errors. Right: AP, and what fixing one class after the other adds."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(11, 5), layout="constrained")
    joints, steps = figure.subplots(1, 2, width_ratios=[3, 2])
    _draw_joints(joints, breakdown)
    _draw_cost(steps, breakdown)
    figure.suptitle(title)
    return figure


def _draw_joints(axes: "Axes", breakdown: ErrorBreakdown) -> None:
    names = [name for name, counts in breakdown.joints.items() if sum(counts.values())]
    left = [0.0] * len(names)
    for error in JOINT_ERRORS:
        shares = [breakdown.joints[name][error] / sum(breakdown.joints[name].values()) for name in names]
        axes.barh([name.replace("_", " ") for name in names], shares, left=left, color=COLOURS[error], label=error)
        left = [start + share for start, share in zip(left, shares, strict=True)]
    axes.invert_yaxis()
    axes.set_xlim(0, 1)
    axes.set_xlabel("share of the labelled joints of found people")
    axes.legend(ncols=len(JOINT_ERRORS), loc="lower center", bbox_to_anchor=(0.5, 1.0), frameon=False)


def _draw_cost(axes: "Axes", breakdown: ErrorBreakdown) -> None:
    axes.bar(["AP"], [breakdown.ap], color="#595959")
    before = breakdown.ap
    for name, cost in breakdown.cost.items():
        bars = axes.bar([name], [cost], bottom=[before], color=COLOURS[name], edgecolor="#595959", linewidth=0.5)
        axes.bar_label(bars, labels=[f"{cost:+.3f}"], padding=2, fontsize=7)
        before += cost
    axes.set_ylim(0, 1.05)
    axes.set_ylabel("AP with this class and those to its left fixed")
    axes.tick_params(axis="x", rotation=35)
