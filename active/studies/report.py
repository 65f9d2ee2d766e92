"""What a study of selection rules has found so far: the page with its tables, and the plot."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np

from dataengine.studies.page import MISSING, paragraph, unfinished, write_page

from .outcome import Curves, PlayedRound, PoolFacts, curves_of
from .outlook import forecast_table, stopping
from .plan import RULES, Round, StudyPlan
from .plot import study_figure
from .tables import against_random, ap_table, rule_means


def write_study_report(report: Path, facts: PoolFacts, plan: StudyPlan, known: Mapping[Round, PlayedRound]) -> None:
    """Write study.png and study.md, which shows the plot, into the folder `report`."""
    curves = curves_of(plan, known)
    write_page(report, "study", study_page(facts, plan, known, curves), study_figure(curves, rule_means(curves)))


def study_page(facts: PoolFacts, plan: StudyPlan, known: Mapping[Round, PlayedRound], curves: Curves) -> list[str]:
    """Markdown: the command, the sizes, the plot, the tables, and what the figures leave out."""
    return [
        "# Which rule saves labels, and what the next ones buy",
        "",
        f"    {facts.command}",
        "",
        *unfinished(sum(trial in known for trial in plan.trials()), len(plan.trials()), "round"),
        *_sizes(facts, plan),
        "",
        *(f"- **{name}**: {RULES[name].meaning}" for name in plan.rules),
        "",
        "![AP by labels, and the difference to random](study.png)",
        "",
        *ap_table(plan, curves),
        "",
        *against_random(plan, curves),
        "",
        *stopping(facts, plan, curves),
        "",
        *forecast_table(curves),
        "",
        *_seconds(plan, known),
    ]


def _sizes(facts: PoolFacts, plan: StudyPlan) -> list[str]:
    begin = "the network of the round before" if plan.warm else "what `start_from` says, the starter by default"
    return paragraph(
        f"The pool has {facts.pool_images} labelled images, whose labels are hidden but for {plan.start} drawn at",
        f"random for each seed. In each round a rule looks at {plan.candidates} random images of the rest and chooses",
        f"{plan.step}; the network is fitted on all labels so far. Every fit begins with {begin}, and sees",
        f"{plan.people} people in {plan.epochs} epoch{'s' * (plan.epochs > 1)}, however many labels there are.",
        f"{facts.val_images} validation images say what scores are worth; AP is measured",
        f"on {facts.test_people} people in {facts.test_images} test images, which no fit and no rule sees.",
        f"Sigmas of OKS: {facts.oks_sigmas}. Boxes are the labels'. Rules:",
    )


def _seconds(plan: StudyPlan, known: Mapping[Round, PlayedRound]) -> list[str]:
    choosing = {rule: [o.choose_s for t, o in known.items() if t.rule == rule] for rule in plan.rules}
    fits = [outcome.fit_s for outcome in known.values()]
    told = ", ".join(f"{rule} {np.mean(seconds):.0f}" for rule, seconds in choosing.items() if seconds)
    if not fits:
        return []
    return paragraph(f"Seconds of a fit, with validation: {np.mean(fits):.0f}; of choosing: {told or MISSING}.")
