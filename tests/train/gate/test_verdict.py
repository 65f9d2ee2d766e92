from collections.abc import Mapping
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy import stats

from dataengine.errors import ParamsError
from dataengine.evaluation.analysis.resampled import Resampled, expanded
from dataengine.train.gate.checks import lower_bound, resamples_for, standard_error
from dataengine.train.gate.comparison import TestSet
from dataengine.train.gate.evidence import WHOLE, Evidence, SliceEvidence
from dataengine.train.gate.policy import Budgets, Guards, Primary
from dataengine.train.gate.verdict import judge, spent_error

from ..gate_round import PARAMS

POLICY = replace(
    PARAMS,
    floor_ap=0.3,
    primary=Primary("superiority", 0.01),
    guarded=Guards(["occlusion=some"], margin=0.05, level=0.95, min_people=20),
    budgets=Budgets(latency_ms=10.0, size_mb=5.0, ece=0.2),
)
MANY = 1e6  # clusters, so that quantiles are the normal ones


def figure(value: float, error: float, clusters: float = MANY) -> Resampled:
    """Draws of an exactly normal shape."""
    return Resampled(value, stats.norm.ppf((np.arange(20_000) + 0.5) / 20_000, value, max(error, 1e-12)), clusters)


def evidence(
    gain: Resampled | None = None,
    guards: Mapping[str, tuple[Resampled, int]] | None = None,
    *,
    ap: Resampled | None = None,
    clusters: int = 100,
    use: int = 1,
    latency_ms: float | None = 5.0,
    size_bytes: int = 3_000_000,
    ece: float | None = 0.1,
    learnt: int | None = 0,
    champion_learnt: int | None = 0,
) -> Evidence:
    ap = ap or figure(0.6, 0.02)
    guards = {"occlusion=some": (figure(0.0, 0.01), 300)} if guards is None else guards
    slices = {WHOLE: SliceEvidence(1000, 800, ap, None if gain is None else ap, gain)}
    slices |= {name: SliceEvidence(people, people, ap, ap, each) for name, (each, people) in guards.items()}
    test = TestSet("a" * 64, "", 1000, 800, clusters, use, 10, (use - 1) * POLICY.share)
    return Evidence(test, slices, latency_ms, size_bytes, ece, learnt=learnt, champion_learnt=champion_learnt)


@pytest.mark.parametrize(
    ("ap", "error", "decision", "words"),
    [
        (0.4, 0.02, "promote", "clears the floor of 0.3"),
        (0.2, 0.02, "reject", "misses the floor of 0.3"),
        (0.32, 0.02, "not-enough-evidence", "not shown to clear the floor of 0.3"),
    ],
)
def test_first_model_must_clear_the_floor(ap: float, error: float, decision: str, words: str) -> None:
    verdict = judge(POLICY, evidence(ap=figure(ap, error)))
    assert verdict.decision == decision
    assert words in verdict.reason


@pytest.mark.parametrize(
    ("gain", "error", "decision", "words"),
    [
        (0.04, 0.01, "promote", "beats the champion by more than 0.01"),
        (-0.2, 0.03, "reject", "worse than the champion"),
        (0.0, 0.0, "reject", "does not gain 0.01"),
        (0.02, 0.02, "not-enough-evidence", "not shown to beat"),
        (0.035, 0.01, "not-enough-evidence", "not shown to beat"),  # beyond 0.95 confidence, but not beyond this share
    ],
)
def test_later_model_must_gain(gain: float, error: float, decision: str, words: str) -> None:
    verdict = judge(POLICY, evidence(figure(gain, error)))
    assert verdict.decision == decision
    assert words in verdict.reason


@pytest.mark.parametrize(("gain", "decision"), [(0.0, "promote"), (-0.05, "reject"), (-0.012, "not-enough-evidence")])
def test_non_inferiority_allows_a_small_loss(gain: float, decision: str) -> None:
    policy = replace(POLICY, primary=Primary("non-inferiority", 0.02))
    assert judge(policy, evidence(figure(gain, 0.005))).decision == decision


@pytest.mark.parametrize(
    ("loss", "error", "decision"),
    [(0.0, 0.01, "promote"), (-0.2, 0.02, "reject"), (-0.03, 0.03, "not-enough-evidence")],
)
def test_a_guarded_slice_can_stop_a_promotion(loss: float, error: float, decision: str) -> None:
    verdict = judge(POLICY, evidence(figure(0.1, 0.01), {"occlusion=some": (figure(loss, error), 300)}))
    assert verdict.decision == decision
    if decision != "promote":
        assert "where occlusion=some" in verdict.reason


def test_a_guard_by_name_must_be_measured_and_one_by_kind_takes_what_is_large_enough() -> None:
    gain = figure(0.1, 0.01)
    bad = figure(-0.3, 0.01)
    missing = judge(POLICY, evidence(gain, {}))
    assert missing.decision == "not-enough-evidence"
    assert "occlusion=some cannot be measured" in missing.reason
    kind = replace(POLICY, guarded=replace(POLICY.guarded, slices=["occlusion=*"]))
    small = judge(kind, evidence(gain, {"occlusion=some": (bad, 19)}))
    assert small.decision == "promote"
    assert "nothing is guarded there" in small.warnings[0]
    assert judge(kind, evidence(gain, {"occlusion=some": (bad, 20)})).decision == "reject"


def test_a_guard_on_few_people_is_told_and_decides_as_before() -> None:
    gain, harmless = figure(0.1, 0.01), figure(0.0, 0.001)
    parts = {"rare=no": (harmless, 300), "rare=yes": (figure(-0.3, 0.01), 3), "occlusion=some": (harmless, 5)}
    kind = replace(POLICY, guarded=replace(POLICY.guarded, slices=["rare=*"]))
    left = judge(kind, evidence(gain, parts))
    assert left.decision == "promote"
    assert left.warnings == ("Not guarded, since they hold fewer than 20 people: rare=yes (3).",)
    assert [check.name for check in left.checks if check.kind == "guard"] == ["rare=no"]
    named = replace(POLICY, guarded=replace(POLICY.guarded, slices=["rare=yes"]))
    judged = judge(named, evidence(gain, parts))
    assert judged.decision == "reject"
    assert "The guard on rare=yes (3) rests on fewer than 20 people" in judged.warnings[0]
    assert judge(kind, evidence(None, parts)).warnings == ()


@pytest.mark.parametrize(
    ("kind", "changes"),
    [("latency", {"latency_ms": 10.1}), ("size", {"size_bytes": 5_000_001}), ("calibration", {"ece": 0.21})],
)
def test_budgets_reject_however_good_the_model(kind: str, changes: dict[str, float]) -> None:
    verdict = judge(POLICY, evidence(figure(0.1, 0.01), **changes))  # type: ignore[arg-type]
    assert verdict.decision == "reject"
    assert [check.kind for check in verdict.checks if check.passed is False] == [kind]


def test_an_unmeasured_latency_is_no_pass() -> None:
    verdict = judge(POLICY, evidence(figure(0.1, 0.01), latency_ms=None))
    assert verdict.decision == "not-enough-evidence"
    assert verdict.settle is None
    no_budget = replace(POLICY, budgets=replace(POLICY.budgets, latency_ms=None))
    assert judge(no_budget, evidence(figure(0.1, 0.01), latency_ms=None)).decision == "promote"


def test_few_clusters_are_no_evidence() -> None:
    verdict = judge(POLICY, evidence(figure(0.2, 0.01), clusters=7))  # 2^-7 is more than 0.05 / 10
    assert verdict.decision == "not-enough-evidence"
    assert "needs 8 or more" in verdict.reason
    assert judge(POLICY, evidence(figure(0.2, 0.01), clusters=8)).decision == "promote"
    assert judge(replace(POLICY, min_clusters=9), evidence(figure(0.2, 0.01), clusters=8)).decision != "promote"


def test_a_test_set_wears_out() -> None:
    gain = figure(0.2, 0.01)
    assert judge(POLICY, evidence(gain, use=7)).warnings == ()
    last = judge(POLICY, evidence(gain, use=10))
    assert last.decision == "promote"
    assert "no more comparison" in last.warnings[0]
    worn = judge(POLICY, evidence(gain, use=11))
    assert worn.decision == "not-enough-evidence"
    assert "label a fresh one" in worn.reason


def test_error_is_spent_in_equal_shares_and_never_more_than_granted() -> None:
    shares = [spent_error(POLICY, evidence(use=use).test) for use in range(1, 12)]
    assert sum(error.this_round for error in shares) == pytest.approx(0.05)
    assert shares[3].spent == pytest.approx(0.02)
    assert shares[3].left == pytest.approx(0.03)
    assert shares[-1].this_round == 0 and shares[-1].spent == pytest.approx(shares[-1].total)


@pytest.mark.parametrize("gain", [0.02, 0.002])
def test_people_needed_settle_it_with_the_required_power(gain: float) -> None:
    """Against simulation: with that number of people in all, the bound decides in about 80 of 100 draws of the gain."""
    found = judge(POLICY, evidence(figure(gain, 0.02))).settle
    assert found is not None
    assert found.outcome == ("promote" if gain > 0.01 else "reject")
    error = 0.02 / np.sqrt(1 + found.people / 1000)
    drawn = np.random.default_rng(0).normal(gain, error, 20_000)
    if found.outcome == "promote":
        decided = drawn + error * stats.norm.ppf(0.005) > 0.01
    else:
        decided = drawn + error * stats.norm.ppf(0.975) <= 0.01
    assert decided.mean() == pytest.approx(0.8, abs=0.03)


def of_clusters(values: NDArray[np.float64], rng: np.random.Generator, resamples: int = 1000) -> Resampled:
    """The mean of one value a cluster, resampled as AP is."""
    n = len(values)
    return Resampled(float(values.mean()), values[rng.integers(n, size=(resamples, n))].mean(axis=1), float(n))


@pytest.mark.parametrize(("gain", "outcome"), [(0.05, "promote"), (-0.01, "reject")])
def test_the_power_holds_where_clusters_are_few(gain: float, outcome: str) -> None:
    """10 clusters leave it open; with as many as it asks for, `judge` decides on fresh ones with probability 0.8."""
    rng, trials = np.random.default_rng(0), 1500
    open_policy = replace(POLICY, guarded=replace(POLICY.guarded, slices=[]))
    values = rng.normal(size=10)
    values = gain + 0.045 * (values - values.mean()) / values.std(ddof=1)
    found = judge(open_policy, evidence(of_clusters(values, rng, 100_000), clusters=10)).settle
    assert found is not None and found.outcome == outcome
    clusters = 10 + found.clusters
    decisions = [
        judge(open_policy, evidence(of_clusters(rng.normal(gain, 0.045, clusters), rng), clusters=clusters)).decision
        for _ in range(trials)
    ]
    within = 4 * np.sqrt(0.8 * 0.2 / trials)
    assert 0.8 - within < decisions.count(outcome) / trials < 0.8 + within + one_more(clusters)


def one_more(clusters: int) -> float:
    """What rounding up to a whole cluster may add to the power."""
    return 0.6 / clusters


@pytest.mark.parametrize("clusters", [10, 20, 60])
def test_the_bound_does_not_move_with_the_random_stream(clusters: int) -> None:
    values = np.random.default_rng(0).normal(size=clusters)
    resamples = resamples_for(replace(POLICY, resamples=5000), clusters)
    bounds = [
        lower_bound(of_clusters(values, np.random.default_rng(seed), resamples), POLICY.share) for seed in range(10)
    ]
    assert np.ptp(bounds) < 0.15 * values.std() / np.sqrt(clusters)


@given(st.floats(20, 5000), st.floats(0.01, 0.2), st.integers(1, 20))
def test_a_hundred_draws_lie_beyond_the_bound(clusters: float, alpha: float, uses: int) -> None:
    policy = replace(POLICY, alpha=alpha, uses=uses, warn_from=1)
    resamples = resamples_for(policy, clusters)
    assert resamples * expanded(policy.share, clusters) >= 100 or resamples == 1_000_000
    assert resamples_for(policy, 19) == policy.resamples


def test_percentiles_are_no_bound_where_clusters_are_few() -> None:
    """Skewed draws, whose percentile lies far below Student's t, count from 20 clusters on."""
    draws = np.random.default_rng(0).exponential(size=100_000)
    few, many = (Resampled(0.0, -draws, clusters) for clusters in (19.0, 21.0))
    student = [float(stats.t.ppf(0.005, f.clusters - 1)) * standard_error(f) for f in (few, many)]
    assert lower_bound(few, 0.005) == pytest.approx(student[0])
    assert lower_bound(many, 0.005) < student[1] - 1


def test_what_no_number_would_settle_is_not_numbered() -> None:
    assert judge(POLICY, evidence(figure(0.01, 0.02))).settle is None
    assert judge(POLICY, evidence(figure(0.0101, 0.02))).settle is None


def test_senseless_params_are_refused() -> None:
    for changes, name in (
        ({"level": 95.0}, "level"),
        ({"alpha": 0.0}, "alpha"),
        ({"resamples": 5}, "resamples"),
        ({"warn_from": 11}, "warn_from"),
        ({"primary": Primary("superiority", -0.1)}, "margin"),
    ):
        with pytest.raises(ParamsError, match=name):
            replace(PARAMS, **changes)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("learnt", "decision", "words"),
    [
        (0, "promote", "has learnt from none of the 800 pictures of the test set"),
        (3, "reject", "has learnt from 3 of the 800 pictures of the test set"),
        (None, "not-enough-evidence", "not recorded which pictures the candidate has learnt from"),
    ],
)
def test_a_candidate_that_has_learnt_the_test_set_is_not_promoted(
    learnt: int | None, decision: str, words: str
) -> None:
    """However much it gains."""
    verdict = judge(POLICY, evidence(figure(0.2, 0.01), learnt=learnt))
    assert verdict.decision == decision
    (check,) = [check for check in verdict.checks if check.name == "learnt"]
    assert words in check.sentence and (decision == "promote" or words in verdict.reason)
    assert verdict.settle is None, "no number of people settles it"


@pytest.mark.filterwarnings("error")  # of arithmetic on no draws
def test_a_guard_that_nobody_can_measure_is_settled_by_no_number_of_people() -> None:
    """Next to an open gain, which more people would settle."""
    nobody = Resampled(float("nan"), np.empty(0), 0.0)
    open_gain = figure(0.03, 0.02)
    assert judge(POLICY, evidence(open_gain)).settle is not None
    verdict = judge(POLICY, evidence(open_gain, {"occlusion=some": (nobody, 300)}))
    assert verdict.decision == "not-enough-evidence" and verdict.settle is None


def test_a_champion_that_has_learnt_the_test_set_is_named() -> None:
    (warning,) = judge(POLICY, evidence(figure(0.2, 0.01), champion_learnt=5)).warnings
    assert warning.startswith("The champion has learnt from 5 of the 800 pictures")
    assert judge(POLICY, evidence(figure(0.2, 0.01), champion_learnt=None)).warnings == ()
