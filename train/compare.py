"""Compare a candidate with the pinned champion on the frozen test set: a verdict, its figures, and a report.

`run` scores both on the same people (`gate.models`), resamples them together (`gate.evidence`) and asks
`gate.verdict.judge`. The verdict is a function of files and params alone: the champion is the registry entry that
`compare.champion` names, never simply the present one; the uses of the test set are those that `compare.test_uses`
pins; and latency is what the export measured for the file. So promoting changes nothing that this stage depends on, and
a rerun gives the same verdict.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import typer

from dataengine.coco_json import read_project_people
from dataengine.errors import InputError
from dataengine.evaluation.analysis.breakdown_figure import breakdown_figure
from dataengine.evaluation.analysis.image_clusters import clusters_of
from dataengine.evaluation.analysis.interval import Interval
from dataengine.evaluation.jittered_boxes import in_jittered_boxes
from dataengine.files import fresh_folder, sha256_file, write_json
from dataengine.inference.choose_runner import ChosenRunner
from dataengine.inference.exported import ExportedModel, load_exported
from dataengine.labelled_set import set_sha256
from dataengine.nets.learnt_pictures import LEARNT_NAME, read_learnt_pictures
from dataengine.params import load_section
from dataengine.people import Images, People
from dataengine.person_scale import scale_words
from dataengine.poses.clusters import UNCLUSTERED
from dataengine.poses.training_poses import TrainingPoses, read_training_poses
from dataengine.registry.records import read_registry
from dataengine.registry.store import stored_model
from dataengine.terminal.options import PARAMS_FILE, ParamsFile
from dataengine.terminal.speech import answer, say

from .deploy.runners import runner_for
from .gate.checks import guarded_names
from .gate.comparison import VERDICT_FILE, Comparison, PoseCounts, RunnerUsed, SliceRow, TestSet
from .gate.evidence import WHOLE, Evidence, SliceEvidence, interval_in_range, resample
from .gate.models import ScoredModel, agreement, matches_of, score, slices_of
from .gate.policy import CompareParams
from .gate.report.page import write_report
from .gate.verdict import judge
from .pseudo.teachers import detected_people

METRICS, REPORT, BREAKDOWN = "metrics.json", "report.html", "breakdown"


def command(
    candidate: Annotated[Path, typer.Option(help="Folder that `dataengine export` wrote.")],
    test: Annotated[Path, typer.Option(help="COCO JSON of the frozen test set.")],
    registry: Annotated[Path, typer.Option(help="The registry file, which holds the champion's entry.")],
    store: Annotated[Path, typer.Option(help="Folder with the artefacts of promoted models.")],
    out: Annotated[Path, typer.Option(help="Folder for verdict.json, metrics.json, report.html and breakdown/.")],
    balance: Annotated[
        Path | None, typer.Option(help="Folder that balance wrote; without it there are no slices by pose.")
    ] = None,
    detector: Annotated[
        Path | None, typer.Option(help="Folder of BlazePose's models; AP is then shown in the boxes it detects, too.")
    ] = None,
    params: ParamsFile = PARAMS_FILE,
) -> None:
    """Decide by the policy in section `compare` whether the candidate replaces the champion, and show why.

    Runs both exported models on the frozen test set and answers promote, reject, or not-enough-evidence with the number
    of labelled people that would settle it. verdict.json holds the figures, report.html shows them. The champion is the
    one that `dataengine begin-round` pinned as compare.champion; without one the candidate must reach compare.floor_ap.

    The params that decide: compare.primary (the gain in AP), compare.guarded (slices that must not get worse),
    compare.budgets (latency, size, calibration), compare.alpha over compare.uses (the risk of a false promotion).
    People are found in their labelled boxes. AP_jittered and, with --detector, AP_detected say what the model does in
    boxes that are off and in boxes of a detector; they decide nothing. Without --balance there are no slices
    cluster=NUMBER, rare=yes and novel=yes, and a guard on one of them ends in not-enough-evidence. A candidate that has
    learnt from a picture of the test set is rejected.

    docs/promotion.md explains the policy; `dataengine simulate-gate` measures what it costs and finds.

    Example: dataengine compare --candidate models/export --test data/ingest/test.json --registry models/registry.json --store models/registry --balance data/balance --detector data/fetch/mediapipe --out reports/compare
    """  # noqa: E501  an example is one line to copy
    run(
        load_section(params, "compare", CompareParams),
        candidate=candidate,
        test=test,
        registry=registry,
        store=store,
        out=out,
        balance=balance,
        detector=detector,
    )


def run(
    params: CompareParams,
    *,
    candidate: Path,
    test: Path,
    registry: Path,
    store: Path,
    out: Path,
    balance: Path | None = None,
    detector: Path | None = None,
) -> None:
    """Write verdict.json, metrics.json, report.html and each model's breakdown/<who>.png to `out`."""
    poses = None if balance is None else read_training_poses(balance)
    people, images = read_project_people(test)
    new = load_exported(candidate)
    old = stored_model(read_registry(registry).entry(params.champion), store) if params.champion else None
    chosen_runner = runner_for(params.runner, [new] if old is None else [new, old], params.threads)
    say(chosen_runner.line())
    way, runners = chosen_runner.candidate, chosen_runner.runners
    boxes = {"AP_jittered": in_jittered_boxes(people, params.box_jitter)}
    if detector is not None:
        boxes["AP_detected"] = detected_people(images, detector)
    shared: dict[str, Any] = {"candidate": way, "elsewhere": boxes}
    first = score(new, people, images, runner=runners[0], who="candidate", **shared)
    second = None if old is None else score(old, people, images, runner=runners[1], who="champion", **shared)
    picture_sha256 = [sha256_file(Path(str(path))) for path in images.path]
    comparison = compare_models(
        params,
        people,
        images,
        test_sha256=set_sha256(people, images, picture_sha256),
        first=first,
        second=second,
        poses=poses,
        learnt=_learnt_of(new, picture_sha256),
        champion_learnt=0 if old is None else _learnt_of(old, picture_sha256),
    )
    comparison = replace(comparison, runner=_runner_used(chosen_runner))
    with fresh_folder(out) as folder:
        write_json(folder / VERDICT_FILE, comparison.as_json())
        write_json(folder / METRICS, _metrics(comparison))
        scored = {"candidate": first} | ({} if second is None else {"champion": second})
        lineage = {"candidate": new.sidecar["lineage"]} | ({} if old is None else {"champion": old.sidecar["lineage"]})
        write_report(folder / REPORT, comparison, people, images, scored=scored, lineage=lineage)
        _write_breakdowns(folder / BREAKDOWN, scored)
    answer(f"{comparison.verdict}: {comparison.reason}")
    for warning in comparison.warnings:
        answer(f"warning: {warning}")


def compare_models(
    params: CompareParams,
    people: People,
    images: Images,
    *,
    test_sha256: str,
    first: ScoredModel,
    second: ScoredModel | None,
    poses: TrainingPoses | None = None,
    learnt: int | None,
    champion_learnt: int | None,
) -> Comparison:
    """Resample the two scored models and judge; `second` is the champion, None for a first model.

    `learnt` and `champion_learnt` are the pictures of the test set that each has learnt from, None where unknown.
    """
    slices = slices_of(people, images, params.columns, poses)
    clusters = clusters_of(images, params.cluster, params.block_frames)
    evidence_by_slice = resample(
        matches_of(first.pairs, images, slices),
        None if second is None else matches_of(second.pairs, images, slices),
        clusters[images.rows_of(first.pairs.image_id)],
        resamples=params.resamples,
        rng=np.random.default_rng(params.seed),
    )
    peopled_clusters = len(np.unique(clusters[images.rows_of(people.image_id)]))
    use = params.earlier_uses(test_sha256) + 1
    test = TestSet(
        sha256=test_sha256,
        people=len(people),
        images=len(images),
        clusters=peopled_clusters,
        use=use,
        budget=params.uses,
        scale=scale_words(people),
    )
    evidence = Evidence(
        test,
        evidence_by_slice,
        first.latency_ms,
        first.figures.size_bytes,
        first.figures.ece,
        learnt=learnt,
        champion_learnt=champion_learnt,
    )
    verdict = judge(params, evidence)
    guarded = {name for pattern in params.guarded.slices for name in guarded_names(params, evidence, pattern)}
    return Comparison(
        verdict=verdict.decision,
        reason=verdict.reason,
        round=params.round,
        candidate=first.figures,
        champion=None if second is None else second.figures,
        ap=_candidate_interval(evidence.whole, params.level),
        champion_ap=interval_in_range(evidence.whole.champion, params.level, low=0.0),
        gain=interval_in_range(evidence.whole.gain, params.level),
        correlation=None if second is None else agreement(people, first.prediction, second.prediction),
        slices=tuple(_row(n, part, params.level, n in guarded) for n, part in evidence_by_slice.items() if n != WHOLE),
        checks=verdict.checks,
        test=test,
        error=verdict.error,
        settle=verdict.settle,
        warnings=verdict.warnings,
        policy=json.loads(json.dumps(asdict(params))),
        poses=None if poses is None else _poses(poses, people),
    )


def _learnt_of(model: ExportedModel, picture_sha256: Sequence[str]) -> int | None:
    """Pictures of the test set that a model has learnt from; None where its export does not say."""
    learnt = read_learnt_pictures(model.folder) if LEARNT_NAME in model.sha256 else None
    return None if learnt is None else len(learnt & set(picture_sha256))


def _runner_used(chosen: ChosenRunner) -> RunnerUsed:
    candidate = chosen.candidate
    return RunnerUsed(candidate.name, candidate.words, candidate.file, dict(chosen.passed_over))


def _write_breakdowns(folder: Path, scored: Mapping[str, ScoredModel]) -> None:
    """What goes wrong with each joint, and what AP each kind of error costs: a picture of each model."""
    folder.mkdir()
    for who, model in scored.items():
        figure = breakdown_figure(model.breakdown, f"{who} {model.figures.id} on the test set")
        figure.savefig(
            folder / f"{who}.png", metadata={"Software": None}
        )  # without a software tag, which changes with the library's version


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


def _candidate_interval(whole: SliceEvidence, level: float) -> Interval:
    interval = interval_in_range(whole.candidate, level, low=0.0)
    if interval is None:
        raise InputError("nobody in the test set counts", fix="label joints of people who are not part of a crowd")
    return interval


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


def _metrics(comparison: Comparison) -> dict[str, Any]:
    """What `dvc metrics` follows; latency is left to the export's own metrics."""
    metrics: dict[str, Any] = {"promote": int(comparison.verdict == "promote"), "oks_scale": comparison.test.scale}
    models = {"candidate": comparison.candidate, "champion": comparison.champion}
    for who, model in models.items():
        if model is not None:
            calibrated: Mapping[str, float] = {} if model.ece is None else {"ECE": model.ece}
            metrics[who] = {**model.figures, **calibrated}
    if comparison.gain is not None:
        metrics["gain"] = asdict(comparison.gain)
    return metrics
