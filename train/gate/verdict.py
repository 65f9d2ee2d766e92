"""The verdict: promote when every demand passes, reject when one fails, else not enough evidence.

`judge` is pure; where evidence is short it says how much more would help. A false promotion needs the primary demand to
pass wrongly, which it does with probability `CompareParams.share` at most, whatever the guards and budgets say: these
can only stop a promotion. An intersection of demands needs no correction for their number (Berger 1982,
"Multiparameter hypothesis testing").
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from fnmatch import fnmatchcase

from scipy import optimize, stats

from .checks import Demand, guarded_names, interval_checks, is_worn, other_checks, standard_error
from .comparison import Check, Decision, Error, Settle, TestSet
from .evidence import WHOLE, Evidence
from .independence import alike_words
from .policy import CompareParams

HOPELESS = 1000  # times the people of the test set; a larger number says nothing
MOST_FREEDOM = 5000  # degrees of freedom, from which on t is normal to four digits


@dataclass(frozen=True)
class Verdict:
    """The decision and why."""

    decision: Decision
    reason: str
    checks: tuple[Check, ...]
    error: Error
    settle: Settle | None
    warnings: tuple[str, ...]


def judge(params: CompareParams, evidence: Evidence) -> Verdict:
    """Decide on a candidate by the policy."""
    demand_checks, rest = interval_checks(params, evidence), other_checks(params, evidence)
    checks = (*rest, *(check for _, check in demand_checks))
    failed_checks = [check for check in checks if check.passed is False]
    open_checks = [check for check in checks if check.passed is None]
    primary = next(check for check in checks if check.kind == "primary")
    settle = None
    if failed_checks:
        decision: Decision = "reject"
        reason = " ".join(["Not promoted.", *(check.sentence for check in failed_checks)])
    elif open_checks:
        decision = "not-enough-evidence"
        if not any(check.passed is None for check in rest):
            settle = _settle(params, evidence, demand_checks)
        sentences = [check.sentence for check in open_checks] + ([_settle_sentence(settle)] if settle else [])
        reason = " ".join(["Not enough evidence to promote.", *sentences])
    else:
        decision = "promote"
        reason = f"Every demand holds. {primary.sentence}"
    return Verdict(decision, reason, checks, spent_error(params, evidence.test), settle, _warnings(params, evidence))


def spent_error(params: CompareParams, test: TestSet) -> Error:
    """What this comparison and the earlier ones on its test set spend of the error granted."""
    this_round = 0.0 if is_worn(params, test) else params.share
    spent = test.spent + this_round
    return Error(total=params.alpha, this_round=this_round, spent=spent, left=max(params.alpha - spent, 0.0))


def people_factor(demand: Demand, level: float, power: float) -> tuple[float, bool]:
    """The factor on the number of people that would settle a demand, and whether the demand would then pass.

    The factor multiplies the clusters. On n of them the bound lies t_(n-1) standard errors from the figure, and the
    standard error is itself estimated from the n: figure and bound together follow the noncentral t distribution,
    whose noncentrality is the distance between figure and threshold in true standard errors. The normal distribution
    would promise too much where clusters are few: 0.8 came to between 0.6 and 0.7 at 10 clusters.
    """
    assert demand.figure is not None
    distance = demand.figure.value - demand.threshold
    passes = distance > 0
    spread, clusters = standard_error(demand.figure), demand.figure.clusters
    if distance == 0 or clusters <= 1:
        return math.inf, passes
    if spread == 0:
        return 0.0, passes
    sure = 1 - demand.error if passes else (1 + level) / 2

    def missing_power(log_factor: float) -> float:
        factor = math.exp(log_factor)
        return power - power_of(abs(distance) / spread * math.sqrt(factor), factor * clusters, sure)

    least, most = math.log(min(2 / clusters, 1.0)), math.log(HOPELESS)
    if missing_power(most) > 0:
        return math.inf, passes
    return (math.exp(optimize.brentq(missing_power, least, most)) if missing_power(least) > 0 else 0.0), passes


def power_of(distance: float, clusters: float, sure: float) -> float:
    """Probability that a t bound of confidence `sure` on `clusters` lies beyond a threshold at a true `distance`.

    The distance is in standard errors of the figure on that many clusters.
    """
    freedom = clusters - 1
    if freedom > MOST_FREEDOM:
        return float(stats.norm.sf(stats.norm.ppf(sure) - distance))
    return float(stats.nct.sf(stats.t.ppf(sure, freedom), freedom, distance))


def _settle(params: CompareParams, evidence: Evidence, demand_checks: list[tuple[Demand, Check]]) -> Settle | None:
    """More people until every open demand passes, or until the first of those that point down fails."""
    open_demands = [demand for demand, check in demand_checks if check.passed is None]
    if any(demand.figure is None or not len(demand.figure.draws) for demand in open_demands):
        return None
    factors = [people_factor(demand, params.level, params.power) for demand in open_demands]
    failing_factors = [factor for factor, passes in factors if not passes]
    factor = min(failing_factors) if failing_factors else max(factor for factor, _ in factors)
    if factor > HOPELESS:
        return None
    factor = max(factor, 1.0)
    return Settle(
        people=_round_up((factor - 1) * evidence.test.people),
        clusters=_round_up((factor - 1) * evidence.test.clusters),
        outcome="reject" if failing_factors else "promote",
        assumption=f"if the figures stay as they are and new images vary like these, with probability {params.power:g}",
    )


def _settle_sentence(settle: Settle) -> str:
    end = "a promotion" if settle.outcome == "promote" else "a rejection"
    people, clusters = settle.people, settle.clusters
    return f"About {people} more labelled people ({clusters} clusters) would settle it as {end}, {settle.assumption}."


def _warnings(params: CompareParams, evidence: Evidence) -> tuple[str, ...]:
    test = evidence.test
    warnings = []
    if params.warn_from <= test.use <= test.budget:
        uses_left = test.budget - test.use
        end = "no more comparison" if uses_left == 0 else f"{uses_left} more comparison{'' if uses_left == 1 else 's'}"
        warnings.append(f"This test set may serve {end} after this one: begin to label a fresh one.")
    for pattern in params.guarded.slices:
        if evidence.whole.gain is not None and not guarded_names(params, evidence, pattern):
            least = params.guarded.min_people
            warnings.append(f"The test set has no slice {pattern} of {least} people or more: nothing is guarded there.")
    if evidence.champion_learnt:
        what = f"The champion has learnt from {evidence.champion_learnt} of the {test.images} pictures of the test set"
        warnings.append(f"{what}: it looks better there than it is.")
    return (*warnings, *alike_words(evidence.dependence), *_small_guards(params, evidence))


def _small_guards(params: CompareParams, evidence: Evidence) -> Iterator[str]:
    """Warnings on slices that guards pass over or measure on few people."""
    if evidence.whole.gain is None:  # a first model has no champion to be worse than
        return
    least = params.guarded.min_people
    people = {name: part.people for name, part in evidence.slices.items() if name != WHOLE}
    for pattern in params.guarded.slices:
        small_slices = [f"{name} ({n})" for name, n in people.items() if n < least and fnmatchcase(name, pattern)]
        if small_slices and "*" in pattern:
            yield f"Not guarded, since they hold fewer than {least} people: {', '.join(small_slices)}."
        elif small_slices:
            slice_words = f"The guard on {small_slices[0]} rests on fewer than {least} people"
            yield f"{slice_words}: its answer says little either way."


def _round_up(count: float) -> int:
    """`count` rounded up to two digits: more digits would claim to know more."""
    if count < 1:
        return 1
    step = 10 ** max(math.floor(math.log10(count)) - 1, 0)
    return math.ceil(count / step) * step
