"""From what was measured to the verdict: the same steps where `compare` decides and where `promote` checks it.

`resampled` is the costly part and knows nothing of the ledger; `conclude` judges for a given number of the use.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from dataengine.errors import InputError
from dataengine.evaluation.analysis.bootstrap import effective_clusters
from dataengine.evaluation.analysis.interval import Interval

from .checks import resamples_for
from .comparison import Comparison, TestSet
from .evidence import WHOLE, Evidence, SliceEvidence, interval_in_range, resample
from .measured import MeasuredComparison
from .policy import CompareParams
from .verdict import Verdict, judge


@dataclass(frozen=True)
class Conclusion:
    """The verdict with the figures that it rests on."""

    verdict: Verdict
    test: TestSet
    ap: Interval
    champion_ap: Interval | None
    gain: Interval | None

    def differs_from(self, comparison: Comparison) -> str:
        """What a comparison says otherwise: names of its fields, "" if nothing."""
        verdict = self.verdict
        expected = {
            "verdict": verdict.decision,
            "reason": verdict.reason,
            "checks": verdict.checks,
            "error": verdict.error,
            "settle": verdict.settle,
            "warnings": verdict.warnings,
            "test": self.test,
            "ap": self.ap,
            "champion_ap": self.champion_ap,
            "gain": self.gain,
        }
        return ", ".join(name for name, value in expected.items() if getattr(comparison, name) != value)


def resampled(params: CompareParams, measured: MeasuredComparison) -> dict[str, SliceEvidence]:
    """Bootstrap evidence of the whole set and of every slice, as many draws as the policy's error asks for."""
    clusters = effective_clusters(measured.candidate[WHOLE], measured.clusters)
    return resample(
        measured.candidate,
        measured.champion,
        measured.clusters,
        resamples=resamples_for(params, clusters),
        rng=measured.rng(),
    )


def conclude(
    params: CompareParams, measured: MeasuredComparison, slices: Mapping[str, SliceEvidence], use: int, spent: float
) -> tuple[Conclusion, Evidence]:
    """Judge the evidence as comparison number `use` of its test set, of whose error `spent` is gone."""
    facts = measured.facts
    test = TestSet(
        sha256=facts.inputs.test_sha256,
        version=facts.inputs.version,
        people=facts.people,
        images=facts.images,
        clusters=min(each.clusters for each in facts.dependence),
        use=use,
        budget=params.uses,
        spent=spent,
        scale=facts.scale,
        oks_sigmas=facts.inputs.oks_sigmas,
    )
    evidence = Evidence(
        test,
        slices,
        facts.latency_ms,
        facts.size_bytes,
        facts.ece,
        dependence=facts.dependence,
        learnt=facts.learnt,
        champion_learnt=facts.champion_learnt,
    )
    whole, level = evidence.whole, params.level
    ap = interval_in_range(whole.candidate, level, low=0.0)
    if ap is None:
        raise InputError("nobody in the test set counts", fix="label joints of people who are not part of a crowd")
    champion_ap, gain = interval_in_range(whole.champion, level, low=0.0), interval_in_range(whole.gain, level)
    return Conclusion(judge(params, evidence), test, ap, champion_ap, gain), evidence
