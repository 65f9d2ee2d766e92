"""The tables of a study of selection rules that compare rules: AP by labels, and each rule against random."""

from __future__ import annotations

import numpy as np

from dataengine.studies.page import MISSING, interval_note, paragraph
from dataengine.studies.seed_spread import SeedMean, seed_means

from .curves import area, labels_to_reach, paired_difference
from .outcome import Curves, finished
from .plan import RANDOM, StudyPlan


def rule_means(curves: Curves) -> dict[tuple[str, int], SeedMean]:
    """(rule, labels) -> mean AP over the seeds that came so far; the spread is pooled over the rules at that number."""
    cells: dict[int, dict[tuple[str, int], list[float]]] = {}
    for rule, by_seed in curves.items():
        for curve in by_seed.values():
            for labels, ap in zip(curve.labels, curve.ap, strict=True):
                cells.setdefault(labels, {}).setdefault((rule, labels), []).append(ap)
    means: dict[tuple[str, int], SeedMean] = {}
    for labels in sorted(cells):
        first = min(curve.labels[0] for by_seed in curves.values() for curve in by_seed.values())
        same = labels == first  # one fit of a seed serves all rules: it counts once
        groups = dict(list(cells[labels].items())[:1]) if same else cells[labels]
        found = seed_means(groups)
        means |= {cell: found.get(cell, next(iter(found.values()))) for cell in cells[labels]}
    return means


def ap_table(plan: StudyPlan, curves: Curves) -> list[str]:
    """Mean AP of each rule at each number of labels."""
    means = rule_means(curves)
    counts = [plan.start + number * plan.step for number in range(plan.rounds + 1)]
    lines = [f"| AP with labels: | {' | '.join(map(str, counts))} | seeds |", "|---" * (len(counts) + 2) + "|"]
    for rule in plan.rules:
        texts = [means[rule, count].text() if (rule, count) in means else MISSING for count in counts]
        whole = len(finished(plan, curves, rule))
        seeds = f"{whole}" if whole == len(plan.seeds) else f"{whole} of {len(plan.seeds)}"
        lines.append(f"| {rule} | {' | '.join(texts)} | {seeds} |")
    note = interval_note("the rules with as many labels", "pool, validation and test people")
    return [*lines, "", *paragraph(note)]


def against_random(plan: StudyPlan, curves: Curves) -> list[str]:
    """Differences seed by seed, and what an AP costs, of rules and seeds that are finished."""
    baseline = finished(plan, curves, RANDOM)
    if not baseline:
        return ["What a rule saves takes a finished seed of random."]
    most = plan.start + plan.rounds * plan.step
    lines = [
        "| rule | area | area - random's | last AP - random's | labels to random's last AP | labels saved | seeds |",
        "|---|---|---|---|---|---|---|",
    ]
    for rule in plan.rules:
        own = finished(plan, curves, rule)
        seeds = [seed for seed in own if seed in baseline]
        if not seeds:
            lines.append(f"| {rule} | {' | '.join([MISSING] * 5)} | 0 |")
            continue
        areas, theirs = ([area(c[seed].labels, c[seed].ap) for seed in seeds] for c in (own, baseline))
        last, their_last = ([c[seed].ap[-1] for seed in seeds] for c in (own, baseline))
        differences = ["-", "-"]
        if rule != RANDOM:
            differences = [_clear(paired_difference(*pair)) for pair in ((areas, theirs), (last, their_last))]
        mean = seed_means({rule: areas})[rule].text()
        reached = [labels_to_reach(own[seed].labels, own[seed].ap, baseline[seed].ap[-1]) for seed in seeds]
        cost = f"{_reached(reached)} | {_saved(reached, most)}"
        lines.append(f"| {rule} | {mean} | {' | '.join(differences)} | {cost} | {len(seeds)} |")
    return [
        *lines,
        "",
        *paragraph(
            "Area: the mean AP on the way, of 1. Differences are taken seed by seed, each rule with Student's interval",
            "of its own differences; **bold** where it leaves 0 out, which one comparison in twenty does by chance.",
            f"Labels to random's last AP: where a seed's curve first comes to what random has at {most} labels in that",
            "seed, straight lines between rounds. Scatter makes any curve come there early by luck: random's own line",
            f"says by how much. Labels saved: the share by which that is below {most}, in seeds that come there.",
        ),
    ]


def _reached(reached: list[float | None]) -> str:
    there = [labels for labels in reached if labels is not None]
    if not there:
        return "never reached"
    text = f"{np.mean(there):.0f}" + (f" ({min(there):.0f} to {max(there):.0f})" if len(there) > 1 else "")
    return (
        text if len(there) == len(reached) else f"{text}, never in {len(reached) - len(there)} of {len(reached)} seeds"
    )


def _saved(reached: list[float | None], most: int) -> str:
    there = [labels for labels in reached if labels is not None]
    return f"{1 - np.mean(there) / most:.0%}" if there else "none"


def _clear(difference: SeedMean) -> str:
    return f"**{difference.text('+')}**" if difference.is_clear else difference.text("+")
