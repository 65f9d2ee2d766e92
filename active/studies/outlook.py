"""The tables of a study of selection rules that look ahead: where one would have stopped, how right forecasts were."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from dataengine.studies.page import MISSING, paragraph

from ..forecast.learning_curve import LEVEL
from .curves import stop_at
from .forecasts import judged, skill
from .outcome import Curves, LearningCurve, PoolFacts, finished
from .plan import StudyPlan


def stopping(facts: PoolFacts, plan: StudyPlan, curves: Curves) -> list[str]:
    """Where one would have stopped, by the forecast, and what that would have cost."""
    lines = ["| rule | stops with labels | AP given up | seeds that stop |", "|---|---|---|---|"]
    for rule in plan.rules:
        own = list(finished(plan, curves, rule).values())
        places = [(curve, stop_at(curve.labels, curve.ap, facts.stop_gain)) for curve in own]
        # at the end there is nothing left to stop
        early = [(c, place) for c, place in places if place is not None and place < len(c.labels) - 1]
        if not early:
            lines.append(f"| {rule} | {'never' if own else MISSING} | - | 0 of {len(own)} |")
            continue
        labels, lost = ([f(c, place) for c, place in early] for f in _STOPPED)
        ends = f" ({min(lost):+.3f} to {max(lost):+.3f})" if len(lost) > 1 else ""
        lines.append(f"| {rule} | {np.mean(labels):.0f} | {np.mean(lost):+.3f}{ends} | {len(early)} of {len(own)} |")
    return [
        "When to stop:",
        "",
        *lines,
        "",
        *paragraph(
            f"The rule: stop where the forecast says that {plan.step} more labels raise the curve by less than",
            f"{facts.stop_gain:g} AP. AP given up: the last round's less that at the stop, in seeds that stop before",
            "the end. Forecasts go by AP on the test people, as those of a project go by the AP of its registry.",
        ),
    ]


_STOPPED: tuple[Callable[[LearningCurve, int], float], ...] = (
    lambda curve, place: curve.labels[place],
    lambda curve, place: curve.ap[-1] - curve.ap[place],
)


def forecast_table(curves: Curves) -> list[str]:
    """Forecasts of one round ahead against what came, by the number of rounds that they were made from."""
    each = [one for by_seed in curves.values() for curve in by_seed.values() for one in judged(curve.labels, curve.ap)]
    lines = [
        f"| from | forecasts | in the {LEVEL:.0%} interval | its width | error | of no change | of last gain again |",
        "|---|---|---|---|---|---|---|",
    ]
    counts = sorted({one.points for one in each})
    groups = {f"{points} rounds": [one for one in each if one.points == points] for points in counts}
    for name, group in [*groups.items(), ("all", each)]:
        found = skill(group)
        if found is None:
            return ["A forecast takes three rounds of a rule to be judged by."]
        share = f"{found.covered / found.count:.0%} ({found.coverage_low:.0%} to {found.coverage_high:.0%})"
        errors = (found.error, found.error_of_no_change, found.error_of_last_gain)
        lines.append(
            f"| {name} | {found.count} | {share} | {found.width:.3f} | {' | '.join(f'{e:.4f}' for e in errors)} |"
        )
    return [
        "Forecasts of one round ahead, each from the rounds before it:",
        "",
        *lines,
        "",
        *paragraph(
            "Errors are means of absolute differences in AP. The interval of the share takes forecasts for",
            "independent, which those of one seed are not: they share its start and its test people.",
        ),
    ]
