"""The whole content of verdict.json and of the report, from the conclusion and both scored models."""

import json
from collections.abc import Mapping
from dataclasses import asdict

import numpy as np

from dataengine.inference.choose_runner import ChosenRunner
from dataengine.people import People
from dataengine.poses.clusters import UNCLUSTERED
from dataengine.poses.training_poses import TrainingPoses

from .checks import guarded_names
from .compared_set import ComparedSet
from .comparison import Comparison, PoseCounts, RunnerUsed, ShadowEvidence, SliceRow
from .conclusion import Conclusion
from .evidence import WHOLE, Evidence, SliceEvidence, interval_in_range
from .models import ScoredModel, agreement
from .policy import CompareParams


def comparison_of(
    params: CompareParams,
    conclusion: Conclusion,
    evidence: Evidence,
    test: ComparedSet,
    scored: Mapping[str, ScoredModel],
    chosen: ChosenRunner,
    poses: TrainingPoses | None,
    shadow: ShadowEvidence | None = None,
) -> Comparison:
    """Everything that verdict.json and the report say."""
    first, second, verdict = scored["candidate"], scored.get("champion"), conclusion.verdict
    guarded = {name for pattern in params.guarded.slices for name in guarded_names(params, evidence, pattern)}
    return Comparison(
        verdict=verdict.decision,
        reason=verdict.reason,
        round=params.round,
        candidate=first.figures,
        champion=None if second is None else second.figures,
        ap=conclusion.ap,
        champion_ap=conclusion.champion_ap,
        gain=conclusion.gain,
        correlation=None if second is None else _correlation(test, first, second),
        slices=tuple(_row(n, part, params.level, n in guarded) for n, part in evidence.slices.items() if n != WHOLE),
        checks=verdict.checks,
        test=conclusion.test,
        error=verdict.error,
        settle=verdict.settle,
        warnings=verdict.warnings,
        policy=json.loads(json.dumps(asdict(params))),
        resamples=len(evidence.whole.candidate.draws),
        poses=None if poses is None else _poses(poses, test.people),
        runner=_runner_used(chosen),
        dependence=evidence.dependence,
        shadow=shadow,
    )


def _correlation(test: ComparedSet, first: ScoredModel, second: ScoredModel) -> float | None:
    return agreement(test.people, first.prediction, second.prediction, test.protocol)


def _runner_used(chosen: ChosenRunner) -> RunnerUsed:
    candidate = chosen.candidate
    return RunnerUsed(candidate.name, candidate.words, candidate.file, dict(chosen.passed_over))


def _poses(poses: TrainingPoses, people: People) -> PoseCounts:
    stand, clusters = poses.look_up(people.keypoints_px, people.visibility), poses.clusters
    has = stand.cluster != UNCLUSTERED
    return PoseCounts(
        clusters_id=clusters.id,
        clusters=len(clusters.counts),
        rare_clusters=int(clusters.rare.sum()),
        seen_clusters=len(np.unique(stand.cluster[has])),
        people=int(has.sum()),
        rare_people=int(stand.rare.sum()),
        novel_people=int(stand.novel.sum()),
        novel_beyond=round(poses.known.radius, 4),
        without_pose=int((~has).sum()),
    )


def _row(name: str, part: SliceEvidence, level: float, guarded: bool) -> SliceRow:
    return SliceRow(
        name=name,
        people=part.people,
        images=part.images,
        clusters=part.candidate.clusters,
        candidate=interval_in_range(part.candidate, level, low=0.0),
        champion=interval_in_range(part.champion, level, low=0.0),
        gain=interval_in_range(part.gain, level),
        guarded=guarded,
    )
