"""The plot of a campaign: AP by labels, of all people and of those in rare poses, with the gate's intervals."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from dataengine.evaluation.analysis.interval import Interval
from dataengine.studies.page import STYLES, new_figure

from .outcome import PlayedCampaign
from .plan import START, CampaignPlan, CampaignRound

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_APART = 0.01  # of the widest number of labels, between arms, so that intervals do not hide each other


def campaign_figure(plan: CampaignPlan, known: Mapping[CampaignRound, PlayedCampaign]) -> Figure:
    """Left all people, right rare poses; one line an arm and seed."""
    figure = new_figure(9.6, 4.0)
    left, right = figure.subplots(1, 2)
    widest = plan.start + plan.rounds * plan.step
    for place, arm in enumerate(plan.arms):
        color, marker = STYLES[place]
        shift = (place - (len(plan.arms) - 1) / 2) * _APART * widest
        for seed in plan.seeds:
            way = [CampaignRound(START, seed, 0), *(CampaignRound(arm, seed, n) for n in range(1, plan.rounds + 1))]
            played = [known[trial] for trial in way if trial in known]
            name = arm if seed == plan.seeds[0] else "_"
            _draw(left, [(p.labels + shift, p.ap) for p in played], f"{marker}-", color, name)
            _draw(right, [(p.labels + shift, p.rare) for p in played], f"{marker}-", color, name)
    left.set(xlabel="images with labels", ylabel="OKS AP on the test people")
    right.set(xlabel="images with labels", ylabel="the same, people in rare poses")
    for axes in (left, right):
        axes.grid(axis="y", alpha=0.3)
    if known:
        left.legend(fontsize="small")
    return figure


def _draw(axes: Axes, points: Sequence[tuple[float, Interval | None]], line: str, color: str, name: str) -> None:
    there = [(labels, interval) for labels, interval in points if interval is not None]
    if not there:
        return
    below = [max(0.0, interval.value - interval.low) for _, interval in there]
    above = [max(0.0, interval.high - interval.value) for _, interval in there]
    labels, values = [x for x, _ in there], [interval.value for _, interval in there]
    axes.errorbar(labels, values, [below, above], fmt=line, color=color, capsize=3, label=name)
