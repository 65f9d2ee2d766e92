"""The demands of the policy, one by one: passed, failed, or open because the evidence allows neither.

`interval_checks` are the demands that more people can settle, `other_checks` the rest. Adding a demand: a function that
returns `Check`s, called in one of the two.
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from fnmatch import fnmatchcase

import numpy as np
from scipy import stats

from dataengine.evaluation.analysis.image_clusters import ClusterKind
from dataengine.evaluation.analysis.resampled import Resampled, expanded

from .comparison import Check, CheckKind, TestSet
from .evidence import WHOLE, Evidence
from .independence import counted_words
from .policy import CompareParams

FLOOR = "floor"  # name of the demand on a first model
DRAWS_BEYOND = 100  # least number of draws beyond a percentile that is read as a bound: places it within a tenth
T_ALONE = 20  # with fewer clusters a share of the error lies too far out for percentiles, and Student's t decides
MOST_RESAMPLES = 1_000_000
ROUNDING = 1e-9  # of sums of shares
WHERE_TO_LABEL: dict[ClusterKind, str] = {"group": "scenes", "camera": "cameras and times", "time": "times"}


@dataclass(frozen=True, eq=False)
class Demand:
    """A figure whose lower bound must exceed a threshold."""

    name: str
    kind: CheckKind
    threshold: float  # AP
    error: float  # probability of passing wrongly that is allowed, one-sided
    figure: Resampled | None  # None where nothing was measured


def interval_checks(params: CompareParams, evidence: Evidence) -> list[tuple[Demand, Check]]:
    """The primary demand and the guards, each with its outcome."""
    enough_clusters = evidence.test.clusters >= least_clusters(params)
    return [(demand, _check_of(demand, params.level, enough_clusters)) for demand in _demands(params, evidence)]


def other_checks(params: CompareParams, evidence: Evidence) -> list[Check]:
    """Checks that need no interval: state of the test set, what was learnt of it, latency, size, calibration."""
    limits, megabytes = params.budgets, evidence.size_bytes / 1e6
    return [
        *_test_set(params, evidence),
        learnt_check(evidence),
        *_budget("latency", "ms a crop", evidence.latency_ms, limits.latency_ms),
        *_budget("size", "MB", megabytes, limits.size_mb),
        *_budget("calibration", "expected calibration error", evidence.ece, limits.ece),
    ]


def is_worn(params: CompareParams, test: TestSet) -> bool:
    """Whether the test set has served all comparisons, or its error is spent by comparisons with larger shares."""
    return test.use > test.budget or test.spent + params.share > params.alpha * (1 + ROUNDING)


def least_clusters(params: CompareParams) -> int:
    """Fewest clusters that can bear the error of one comparison.

    n clusters that all point the same way do so by chance with probability 2^-n, so no method without assumptions
    on the spread may claim less.
    """
    return max(params.min_clusters, math.ceil(-math.log2(params.share)))


def _demands(params: CompareParams, evidence: Evidence) -> Iterator[Demand]:
    whole = evidence.whole
    if whole.gain is None:
        floor = params.floor_ap
        yield Demand(FLOOR, "primary", floor, params.share, whole.candidate)
        return
    primary = params.primary
    yield Demand(primary.kind, "primary", primary.threshold, params.share, whole.gain)
    for pattern in params.guarded.slices:
        for name in guarded_names(params, evidence, pattern):
            part = evidence.slices.get(name)
            figure = part.gain if part else None
            yield Demand(name, "guard", -params.guarded.margin, 1 - params.guarded.level, figure)


def guarded_names(params: CompareParams, evidence: Evidence, pattern: str) -> list[str]:
    """Slices that a pattern of the policy names: itself if it has no ``*``, else those that are large enough."""
    if "*" not in pattern:
        return [pattern]
    parts = {name: part for name, part in evidence.slices.items() if name != WHOLE}
    least = params.guarded.min_people
    return [name for name, part in parts.items() if part.people >= least and fnmatchcase(name, pattern)]


def _check_of(demand: Demand, level: float, enough_clusters: bool) -> Check:
    """Passed where the lower bound exceeds the threshold, failed where the upper bound shown does not."""
    figure = demand.figure
    if figure is None or not len(figure.draws):
        sentence = f"{demand.name} cannot be measured: the test set has nobody in it."
        return Check(demand.name, demand.kind, None, demand.threshold, None, sentence)
    low, high = lower_bound(figure, demand.error), figure.quantile((1 + level) / 2)
    passed: bool | None = None
    bound = f"between {_figure(demand, low)} and {_figure(demand, high)}"
    # a floor has to be reached, a gain exceeded
    if low > demand.threshold or (demand.name == FLOOR and low == demand.threshold):
        passed, bound = True, f"above {_figure(demand, low)} with {1 - demand.error:.4g} confidence"
    elif high <= demand.threshold:
        passed, bound = False, f"at most {_figure(demand, high)} with {(1 + level) / 2:.4g} confidence"
    if not enough_clusters:
        passed, bound = None, f"between {_figure(demand, low)} and {_figure(demand, high)} as far as so few can tell"
    sentence = f"{_headline(demand, passed, high)}: {_figure(demand, figure.value)} AP, {bound}."
    return Check(demand.name, demand.kind, figure.value, demand.threshold, passed, sentence)


def lower_bound(figure: Resampled, error: float) -> float:
    """The value that the true figure exceeds, except with probability `error`: the lower of two bounds.

    Student's t with the bootstrap's standard error is right where clusters are few; below `T_ALONE` of them it is the
    only one, since percentiles as far out as a share of the error asks for hang on a handful of draws there. Where
    clusters are many but the draws skewed, the percentile is the safer one.
    """
    clusters = figure.clusters
    if clusters <= 1:
        return -math.inf
    student = figure.value + stats.t.ppf(error, clusters - 1) * standard_error(figure)
    if clusters < T_ALONE:
        return float(student)
    return min(figure.quantile(error), float(student))


def resamples_for(params: CompareParams, clusters: float) -> int:
    """Number of resamples that leaves `DRAWS_BEYOND` draws beyond the bound of the primary demand, where it reads them.

    Without that the bound would move by a good part of a standard error from one random stream to the next.
    """
    if clusters < T_ALONE:
        return params.resamples
    needed = DRAWS_BEYOND / expanded(params.share, clusters)
    return max(params.resamples, math.ceil(min(needed, MOST_RESAMPLES)))


def standard_error(figure: Resampled) -> float:
    """Standard error of the figure; the bootstrap's own is too small by sqrt((n - 1) / n) on n clusters."""
    clusters = max(figure.clusters, 2.0)
    return float(np.std(figure.draws)) * math.sqrt(clusters / (clusters - 1))


def _headline(demand: Demand, passed: bool | None, high: float) -> str:
    threshold = demand.threshold
    if demand.name == FLOOR:
        words = {True: "clears", False: "misses", None: "is not shown to clear"}[passed]
        return f"The first model {words} the floor of {threshold:g}"
    where = "" if demand.kind == "primary" else f" where {demand.name}"
    if threshold < 0:
        words = {True: "is not worse", False: "is worse", None: "is not shown to be no worse"}[passed]
        return f"The candidate {words} than the champion{where} by more than {-threshold:g}"
    if passed is False:
        return "The candidate is worse than the champion" if high < 0 else f"The candidate does not gain {threshold:g}"
    words = "beats the champion" if passed else "is not shown to beat the champion"
    return f"The candidate {words} by more than {threshold:g}"


def _figure(demand: Demand, value: float) -> str:
    """An AP, or a gain with its sign; infinite bounds are those of the scale."""
    return f"{min(max(value, 0.0), 1.0):.3f}" if demand.name == FLOOR else f"{min(max(value, -1.0), 1.0):+.3f}"


def _test_set(params: CompareParams, evidence: Evidence) -> Iterator[Check]:
    test, least = evidence.test, least_clusters(params)
    enough_clusters = test.clusters >= least
    fact = f"The test set has {counted_words(params.cluster, test.clusters)} and this policy needs {least} or more"
    more = WHERE_TO_LABEL[params.cluster]
    sentence = f"{fact}." if enough_clusters else f"{fact}: label test pictures of more {more}."
    yield Check("clusters", "test-set", test.clusters, least, True if enough_clusters else None, sentence)
    fresh = not is_worn(params, test)
    fact = f"This is comparison {test.use} of the {test.budget} that this test set may serve"
    if not fresh and test.use <= test.budget:
        fact += f", and the earlier ones were allowed {test.spent:.3g} of the error of {params.alpha:g}"
    sentence = f"{fact}." if fresh else f"{fact}: label a fresh one."
    yield Check("uses", "test-set", test.use, test.budget, True if fresh else None, sentence)


def learnt_check(evidence: Evidence) -> Check:
    """Whether the candidate has learnt from pictures of the test set: figures on those are no evidence of anything."""
    learnt, pictures = evidence.learnt, evidence.test.images
    if learnt is None:
        fix = "fit it with this version and export it again"
        sentence = f"It is not recorded which pictures the candidate has learnt from: {fix}."
        return Check("learnt", "test-set", None, 0, None, sentence)
    sentence = f"The candidate has learnt from {learnt or 'none'} of the {pictures} pictures of the test set."
    return Check("learnt", "test-set", learnt, 0, learnt == 0, sentence)


def _budget(kind: CheckKind, unit: str, measured: float | None, limit: float | None) -> Iterator[Check]:
    if limit is None:
        return
    if measured is None:
        sentence = f"The {kind} of the candidate's file is not known; at most {limit:g} {unit} is allowed."
        yield Check(kind, kind, None, limit, None, sentence)
        return
    passed = measured <= limit
    sentence = f"{measured:.3g} {unit} {'is within' if passed else 'exceeds'} the budget of {limit:g}."
    yield Check(kind, kind, measured, limit, passed, sentence)
