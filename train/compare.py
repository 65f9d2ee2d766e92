"""Compare a candidate with the pinned champion on the frozen test set: a verdict, its figures, and a report.

`run` scores both on the same people (`gate.models`), resamples them together and judges (`gate.conclusion`), and enters
the comparison in the registry's ledger before it writes the answer. The verdict is a function of files, params and the
ledger up to the line that `compare.ledger` pins: the champion is the registry entry that `compare.champion` names,
never simply the present one; and latency is what the export measured for the file. So promoting changes nothing that
this stage depends on, and a rerun gives the same verdict and counts as the same comparison.
"""

from collections.abc import Mapping
from dataclasses import asdict, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import typer
from numpy.typing import NDArray

from dataengine.blazepose.in_images import detected_people
from dataengine.errors import InputError
from dataengine.evaluation.analysis.breakdown_figure import breakdown_figure
from dataengine.evaluation.ap.protocol import COCO, OksProtocol
from dataengine.evaluation.jittered_boxes import in_jittered_boxes
from dataengine.evaluation.own_sigmas import load_protocol
from dataengine.files import fresh_folder, sha256_file, write_json
from dataengine.inference.choose_runner import ChosenRunner
from dataengine.inference.exported import ExportedModel, load_exported
from dataengine.inference.shipped.runners import runner_for
from dataengine.nets.learnt_pictures import LEARNT_NAME, read_learnt_pictures
from dataengine.params import load_section
from dataengine.people import People
from dataengine.person_scale import scale_words
from dataengine.poses.training_poses import read_training_poses
from dataengine.registry.ledger import ComparedInputs, Ledger, TestUse, pictures_name
from dataengine.registry.registry_file import locked, read_registry, write_registry
from dataengine.registry.store import stored_model
from dataengine.terminal.folders import folder_option, replaced_folder_option
from dataengine.terminal.options import PARAMS_FILE, ParamsFile
from dataengine.terminal.speech import answer, say

from .gate.compared_set import ComparedSet, read_compared_set
from .gate.comparison import VERDICT_FILE, Comparison
from .gate.conclusion import Conclusion, conclude, resampled
from .gate.evidence import WHOLE, Evidence, SliceEvidence
from .gate.full_comparison import comparison_of
from .gate.independence import Logits, clusters_for
from .gate.measured import EVIDENCE_FILE, MeasuredComparison, MeasuredFacts
from .gate.models import ScoredModel, matches_of, oks_logits, score
from .gate.policy import CompareParams
from .gate.report.page import write_report
from .gate.shadow import shadow_evidence

METRICS, REPORT, BREAKDOWN = "metrics.json", "report.html", "breakdown"
WRITTEN = frozenset({EVIDENCE_FILE, VERDICT_FILE, METRICS, REPORT, BREAKDOWN})


def command(
    candidate: Annotated[Path, folder_option(help="Folder that `dataengine export` wrote.")],
    test: Annotated[Path, typer.Option(help="COCO JSON of the frozen test set.")],
    registry: Annotated[Path, typer.Option(help="The registry file, which holds the champion's entry.")],
    store: Annotated[Path, folder_option(help="Folder with the artefacts of promoted models.")],
    out: Annotated[
        Path,
        replaced_folder_option(
            holds=WRITTEN, help="Folder for verdict.json, evidence.npz, metrics.json, report.html and breakdown/."
        ),
    ],
    balance: Annotated[
        Path | None, folder_option(help="Folder that balance wrote; without it there are no slices by pose.")
    ] = None,
    detector: Annotated[
        Path | None, folder_option(help="Folder of BlazePose's models; AP is then shown in the boxes it detects, too.")
    ] = None,
    shadow: Annotated[
        Path | None,
        folder_option(help="Folder of `dataengine serve --shadow`, to show how often the two agreed there."),
    ] = None,
    params: ParamsFile = PARAMS_FILE,
) -> None:
    """Decide by the policy in section `compare` whether the candidate replaces the champion, and show why.

    Runs both exported models on the frozen test set and answers promote, reject, or not-enough-evidence with the number
    of labelled people that would settle it. verdict.json holds the figures, report.html shows them. The champion is the
    one that `dataengine begin-round` pinned as compare.champion; without one the candidate must reach compare.floor_ap.

    Every comparison is entered in the registry, whatever comes of it, and spends a share of compare.alpha on all test
    sets with the same version or a picture in common; the same one run again counts once. A round is good for one
    comparison by the policy that it was begun with: another is refused until `dataengine begin-round` has run.

    The params that decide: compare.cluster (what a promotion promises: by default new scenes, of which the test set must
    hold compare.min_clusters), compare.primary (the gain in AP), compare.guarded (slices that must not get worse),
    compare.budgets (latency, size, calibration), compare.alpha over compare.uses (the risk of a false promotion).
    People are found in their labelled boxes. AP_jittered and, with --detector, AP_detected say what the model does in
    boxes that are off and in boxes of a detector; they decide nothing. Without --balance there are no slices
    cluster=NUMBER, rare=yes and novel=yes, and a guard on one of them ends in not-enough-evidence. A candidate that has
    learnt from a picture of the test set is rejected. With --shadow the report shows how often the candidate agreed
    with the champion in production; that decides nothing, either.

    docs/promotion.md explains the policy; `dataengine simulate-gate` measures what it costs and finds.

    Example: dataengine compare --candidate models/export --test data/ingest/test.json --registry models/registry.json --store models/registry --balance data/balance --detector data/fetch/mediapipe --out reports/compare
    """  # noqa: E501  an example is one line to copy
    run(
        load_section(params, "compare", CompareParams),
        protocol=load_protocol(params),
        candidate=candidate,
        test=test,
        registry=registry,
        store=store,
        out=out,
        balance=balance,
        detector=detector,
        shadow=shadow,
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
    shadow: Path | None = None,
    protocol: OksProtocol = COCO,
) -> None:
    """Write verdict.json, evidence.npz, metrics.json, report.html and each model's breakdown/<who>.png to `out`.

    Raises:
        ParamsError: the policy is not the one that the round was begun with.
        InputError: the round's comparison is spent, or a file is missing or not what it should be.
    """
    params.require_pinned_policy(protocol.sigmas_name)
    poses = None if balance is None else read_training_poses(balance)
    new = load_exported(candidate)
    content = read_registry(registry)
    old = stored_model(content.entry(params.champion), store) if params.champion else None
    agreement = shadow_evidence(shadow, params.champion, new.id, params.level)
    chosen_runner = runner_for(params.runner, [new] if old is None else [new, old], params.threads)
    say(chosen_runner.line())
    test_set = read_compared_set(test, params, poses, protocol)
    inputs = _inputs(params, test_set, new, chosen_runner)
    _require_turn(content.ledger, inputs, params)  # before the models see the test set
    models = {"candidate": new} | ({} if old is None else {"champion": old})
    scored = _score_all(test_set, models, chosen_runner, _other_boxes(params, test_set, detector))
    measured = _measured(params, test_set, inputs, scored, models)
    evidence_by_slice = resampled(params, measured)
    with fresh_folder(out) as folder:
        measured.write(folder / EVIDENCE_FILE)
        conclusion, evidence = _enter(params, measured, evidence_by_slice, registry, folder / EVIDENCE_FILE)
        comparison = comparison_of(params, conclusion, evidence, test_set, scored, chosen_runner, poses, agreement)
        write_json(folder / VERDICT_FILE, comparison.as_json())
        write_json(folder / METRICS, _metrics(comparison))
        lineage = {who: model.sidecar["lineage"] for who, model in models.items()}
        write_report(folder / REPORT, comparison, test_set.people, test_set.images, scored=scored, lineage=lineage)
        _write_breakdowns(folder / BREAKDOWN, scored)
    answer(f"{comparison.verdict}: {comparison.reason}")
    for warning in comparison.warnings:
        answer(f"warning: {warning}")


def _inputs(params: CompareParams, test: ComparedSet, candidate: ExportedModel, runner: ChosenRunner) -> ComparedInputs:
    return ComparedInputs(
        candidate=candidate.id,
        champion=params.champion,
        test_sha256=test.sha256,
        version=test.version,
        pictures=pictures_name(test.pictures),
        parts_sha256=test.parts_sha256,
        policy=params.hash_with(test.protocol.sigmas_name),
        runner=runner.candidate.name,
        oks_sigmas=test.protocol.sigmas_name,
    )


def _require_turn(ledger: Ledger, inputs: ComparedInputs, params: CompareParams) -> None:
    refusal = ledger.refusal(inputs, params.ledger)
    if refusal:
        raise InputError(refusal, fix="run `dataengine begin-round`, then `dvc repro`")


def _other_boxes(params: CompareParams, test: ComparedSet, detector: Path | None) -> dict[str, People]:
    """The test people in boxes that are not the labelled ones, by the name of the AP that is shown for them."""
    boxes = {"AP_jittered": in_jittered_boxes(test.people, params.box_jitter)}
    return boxes if detector is None else boxes | {"AP_detected": detected_people(test.images, detector)}


def _score_all(
    test: ComparedSet, models: Mapping[str, ExportedModel], chosen: ChosenRunner, elsewhere: Mapping[str, People]
) -> dict[str, ScoredModel]:
    shared: dict[str, Any] = {"candidate": chosen.candidate, "elsewhere": elsewhere, "protocol": test.protocol}
    return {
        who: score(model, test.people, test.images, runner=runner, who=who, **shared)
        for (who, model), runner in zip(models.items(), chosen.runners, strict=True)
    }


def _measured(
    params: CompareParams,
    test: ComparedSet,
    inputs: ComparedInputs,
    scored: Mapping[str, ScoredModel],
    models: Mapping[str, ExportedModel],
) -> MeasuredComparison:
    """What `promote` needs to decide again: the matches of both models and what the budgets are about."""
    images, first = test.images, scored["candidate"]
    matches = {who: matches_of(model.pairs, images, test.slices) for who, model in scored.items()}
    champion = matches.get("champion")
    rows = images.rows_of(first.pairs.image_id)
    clusters, dependence = clusters_for(
        [units.take(rows) for units in test.units],
        matches["candidate"][WHOLE],
        None if champion is None else champion[WHOLE],
        limit=params.neighbours,
        logits=_logits(test, rows, scored),
    )
    return MeasuredComparison(
        facts=MeasuredFacts(
            inputs=inputs,
            pictures=test.pictures,
            people=len(test.people),
            images=len(images),
            scale=scale_words(test.people),
            dependence=dependence,
            learnt=_learnt_of(models["candidate"], test),
            champion_learnt=0 if champion is None else _learnt_of(models["champion"], test),
            latency_ms=first.latency_ms,
            size_bytes=first.figures.size_bytes,
            ece=first.figures.ece,
            slices=tuple(matches["candidate"]),
        ),
        clusters=clusters,
        candidate=matches["candidate"],
        champion=champion,
    )


def _logits(test: ComparedSet, rows: NDArray[np.int64], scored: Mapping[str, ScoredModel]) -> Logits:
    """How well each person is found, by the candidate or by it rather than the champion; `rows` as for the units."""
    value = oks_logits(test.people, scored["candidate"].prediction, test.protocol)
    if "champion" in scored:
        value = value - oks_logits(test.people, scored["champion"].prediction, test.protocol)
    return Logits(test.images.take(rows).rows_of(test.people.image_id), value)


def _learnt_of(model: ExportedModel, test: ComparedSet) -> int | None:
    """Pictures of the test set that a model has learnt from; None where its export does not say."""
    learnt = read_learnt_pictures(model.folder) if LEARNT_NAME in model.sha256 else None
    return None if learnt is None else len(learnt & set(test.picture_sha256))


def _enter(
    params: CompareParams,
    measured: MeasuredComparison,
    evidence_by_slice: Mapping[str, SliceEvidence],
    registry: Path,
    evidence_file: Path,
) -> tuple[Conclusion, Evidence]:
    """Judge, and enter the comparison in the ledger, under the registry's lock."""
    inputs, pictures = measured.facts.inputs, measured.facts.pictures
    with locked(registry):
        content = read_registry(registry)
        _require_turn(content.ledger, inputs, params)  # another process may have been faster
        earlier = content.ledger.earlier(inputs, pictures)
        spent = sum(use.share for use in earlier)
        conclusion, evidence = conclude(params, measured, evidence_by_slice, 1 + len(earlier), spent)
        now, decision = datetime.now(UTC).isoformat(timespec="seconds"), conclusion.verdict.decision
        use = TestUse(now, inputs, params.share, decision, sha256_file(evidence_file))
        ledger = content.ledger.with_use(use, pictures)
        if ledger is not content.ledger:
            write_registry(registry, replace(content, ledger=ledger))
    return conclusion, evidence


def _write_breakdowns(folder: Path, scored: Mapping[str, ScoredModel]) -> None:
    """What goes wrong with each joint, and what AP each kind of error costs: a picture of each model."""
    folder.mkdir()
    for who, model in scored.items():
        figure = breakdown_figure(model.breakdown, f"{who} {model.figures.id} on the test set")
        figure.savefig(
            folder / f"{who}.png", metadata={"Software": None}
        )  # without a software tag, which changes with the library's version


def _metrics(comparison: Comparison) -> dict[str, Any]:
    """What `dvc metrics` follows; latency is left to the export's own metrics."""
    measured_by = {"oks_scale": comparison.test.scale, "oks_sigmas": comparison.test.oks_sigmas}
    metrics: dict[str, Any] = {"promote": int(comparison.verdict == "promote"), **measured_by}
    models = {"candidate": comparison.candidate, "champion": comparison.champion}
    for who, model in models.items():
        if model is not None:
            calibrated: Mapping[str, float] = {} if model.ece is None else {"ECE": model.ece}
            metrics[who] = {**model.figures, **calibrated}
    if comparison.gain is not None:
        metrics["gain"] = asdict(comparison.gain)
    return metrics
