"""What a campaign has found so far: the page with its tables, and the plot."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from dataengine.evaluation.analysis.interval import Interval
from dataengine.studies.page import MISSING, paragraph, unfinished, write_page

from .outcome import CampaignFacts, PlayedCampaign
from .plan import ARMS, START, CampaignPlan, CampaignRound
from .plot import campaign_figure
from .versus import Versus

Known = Mapping[CampaignRound, PlayedCampaign]


def write_campaign_page(
    report: Path, facts: CampaignFacts, plan: CampaignPlan, known: Known, versus: Sequence[Versus]
) -> None:
    """Write campaign.png and campaign.md, which shows the plot, into the folder `report`."""
    write_page(report, "campaign", campaign_page(facts, plan, known, versus), campaign_figure(plan, known))


def campaign_page(facts: CampaignFacts, plan: CampaignPlan, known: Known, versus: Sequence[Versus]) -> list[str]:
    """Markdown: the command, the sizes, the plot, the tables."""
    lines = [
        "# What the engine makes of its labels, round by round",
        "",
        f"    {facts.command}",
        "",
        *unfinished(len(known), len(plan.trials()), "round"),
        *_sizes(facts, plan),
        "",
        *(f"- **{arm}**: {ARMS[arm].meaning}" for arm in plan.arms),
        "",
        "![AP of all people and of rare poses, by labels](campaign.png)",
    ]
    for seed in plan.seeds:
        lines += ["", f"## Seed {seed}", "", "AP on the test people, with the gate's 95 % interval:", ""]
        lines += _table(plan, known, seed, lambda played: interval_text(played.ap))
        lines += ["", "AP on people in rare poses:", ""]
        lines += _table(plan, known, seed, lambda played: interval_text(played.rare))
        lines += ["", *_verdicts(plan, known, seed)]
    return [*lines, "", *_against(versus), "", *_brought(plan, known)]


def interval_text(interval: Interval | None, sign: str = "") -> str:
    """Three decimals and the bounds; a dash where there is none."""
    if interval is None:
        return "-"
    return f"{interval.value:{sign}.3f} ({interval.low:{sign}.3f} to {interval.high:{sign}.3f})"


def _sizes(facts: CampaignFacts, plan: CampaignPlan) -> list[str]:
    return paragraph(
        f"The pool has {facts.pool_images} labelled images, whose labels are hidden but for {plan.start} drawn at",
        "random. Round 0, which all arms share, is a fit on these from the starter.",
        f"In each of the {plan.rounds} rounds an arm has {plan.step} more labelled; the engine's arms look at",
        f"{plan.candidates} images without labels for that. Every fit begins with the starter and sees {plan.people}",
        f"people. Arms with renders have {plan.base_renders} of the library; requests get {plan.renders} a round.",
        f"AP is that of the exported file on {facts.test_people} people in {facts.test_images} test images;",
        f"{facts.val_images} validation images say whether pseudo-labels pay. Verdicts are the gate's, each arm with a",
        f"registry of its own. Sigmas of OKS: {facts.oks_sigmas}. Rare: poses that few of round 0's people show, in",
        "all arms.",
    )


def _way(plan: CampaignPlan, arm: str, seed: int) -> list[CampaignRound]:
    return [CampaignRound(START, seed, 0), *(CampaignRound(arm, seed, n) for n in range(1, plan.rounds + 1))]


def _table(plan: CampaignPlan, known: Known, seed: int, cell: Callable[[PlayedCampaign], str]) -> list[str]:
    counts = [plan.start + number * plan.step for number in range(plan.rounds + 1)]
    lines = [f"| labels: | {' | '.join(map(str, counts))} |", "|---" * (len(counts) + 1) + "|"]
    for arm in plan.arms:
        cells = [cell(known[trial]) if trial in known else MISSING for trial in _way(plan, arm, seed)]
        lines.append(f"| {arm} | {' | '.join(cells)} |")
    return lines


def _verdicts(plan: CampaignPlan, known: Known, seed: int) -> list[str]:
    lines = [
        "| arm | labels | renders: library, asked for | pseudo-labelled people | gain over the champion | verdict |",
        "|---|---|---|---|---|---|",
    ]
    for arm in plan.arms:
        for trial in _way(plan, arm, seed):
            if trial not in known:
                continue
            played = known[trial]
            tried = "" if played.pseudo_gain is None else f" ({played.pseudo_gain:+.3f} validation AP)"
            lines.append(
                f"| {arm} | {played.labels} | {played.library_renders}, {played.asked_renders} "
                f"| {played.pseudo_people}{tried} | {interval_text(played.gain, '+')} "
                f"| {played.verdict}, {played.outcome} |"
            )
    return lines


def _against(versus: Sequence[Versus]) -> list[str]:
    if not versus:
        return ["The arms are compared with each other once all have their last round."]
    lines = [
        "## Arm against arm",
        "",
        "The last models, under the gate as candidate and champion:",
        "",
        "| arm | against | seed | gain in AP | gain on rare poses | verdict |",
        "|---|---|---|---|---|---|",
    ]
    for each in versus:
        lines.append(
            f"| {each.arm} | {each.against} | {each.seed} | {interval_text(each.gain, '+')} "
            f"| {interval_text(each.rare_gain, '+')} | {each.verdict} |"
        )
    return lines


def _brought(plan: CampaignPlan, known: Known) -> list[str]:
    lines = ["## What requests brought", ""]
    for trial in plan.trials():
        for words in known[trial].requests if trial in known else ():
            lines.append(f"- seed {trial.seed}, round {trial.number}: {words}")
    return lines if len(lines) > 2 else [*lines, "No request has been served yet."]
