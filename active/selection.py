"""Stage `select`: what a person should label next.

`run` reads the candidates and the labelled set (`query/reading.py`), runs the student on both, learns from the
validation people what its doubts are worth and scores every candidate (`query/scoring.py`), picks images by a query
strategy (`query/picking.py`, `choice/`), writes the manifest with its evidence (`manifest/`) and then, if asked, builds
the FiftyOne view of it (`curation/`).

A person labels whole images, so an image is as wanted as its most wanted person. `docs/selection.md` is its page.
"""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import numpy as np
import typer

from dataengine.dvc_cache.temporary_copy import in_temporary_copy
from dataengine.errors import ParamsError
from dataengine.evaluation.ap.protocol import COCO, OksProtocol
from dataengine.evaluation.own_sigmas import load_protocol
from dataengine.files import fresh_folder, sha256_file, write_json
from dataengine.labels.label_store import read_store
from dataengine.labels.labelling_time import measured_seconds_per_joint
from dataengine.leakage.leaks import refuse_held_out
from dataengine.mistakes.suspects import read_suspects
from dataengine.nets.checkpoint import WEIGHTS_NAME
from dataengine.params import load_section
from dataengine.poses.training_poses import read_training_poses
from dataengine.requests.pinned import NO_REQUESTS, RequestsParams, load_requests_params, open_requests
from dataengine.rounds.asked import read_rounds
from dataengine.terminal.folders import folder_option, out_folder_option, replaced_folder_option
from dataengine.terminal.options import PARAMS_FILE, Cluster, HeldOut, ParamsFile
from dataengine.terminal.speech import say

from .asking.label_shares import request_words, requested_shares
from .manifest.entered import enter_selection
from .manifest.evidence import manifest_entries, with_requests, write_sheet
from .manifest.files import LABELLED, MANIFEST, SCORED, SHEET, write_selection
from .query.budget import image_costs
from .query.embeddings import joint_embedding
from .query.lookalikes import lookalikes
from .query.parts import look_on
from .query.pick_inputs import PICK_INPUTS, PickInputs
from .query.picking import PickRules, candidate_images, pick_with_requests, selection_metrics, stands_for
from .query.reading import read_labelled, read_unlabelled, with_mistakes
from .query.scoring import (
    Networks,
    embedding_blocks,
    expected_losses,
    learn_losses,
    scored_people,
    scores_with_teacher,
    with_student,
)
from .query.select_params import SelectParams

SECTION = "select"
WRITTEN = frozenset({MANIFEST, SCORED, LABELLED, SHEET, PICK_INPUTS})


def command(
    student: Annotated[Path, folder_option(help="Folder of the student's checkpoint.")],
    candidates: Annotated[Path, typer.Option(help="COCO JSON of people found in unlabelled frames.")],
    labelled: Annotated[Path, typer.Option(help="COCO JSON of the training people; rendered ones in it do not count.")],
    val: Annotated[Path, typer.Option(help="COCO JSON of the validation set.")],
    out: Annotated[
        Path, replaced_folder_option(holds=WRITTEN, help="Folder for the manifest, the scores and the sheet of picks.")
    ],
    report: Annotated[Path, out_folder_option(help="Folder for metrics.json.")],
    labels: Annotated[
        Path | None, folder_option(help="Folder of label-import: images labelled in any round are not asked for again.")
    ] = None,
    balance: Annotated[
        Path | None,
        folder_option(help="Folder that balance wrote. Without it rarity is unknown, and its weight must be 0."),
    ] = None,
    held_out: HeldOut = None,
    mistakes: Annotated[
        Path | None, typer.Option(help="mistakes.json of find-mistakes, to show the likely ones in FiftyOne.")
    ] = None,
    rounds: Annotated[
        Path | None, folder_option(help="Folder of the ledger of rounds, in which the selection is entered.")
    ] = None,
    second: Annotated[
        Path | None, folder_option(help="Folder of another checkpoint, whose disagreement weights.second counts.")
    ] = None,
    cluster: Cluster = None,
    params: ParamsFile = PARAMS_FILE,
) -> None:
    """Choose the images whose labels would teach the student most, and show them in FiftyOne.

    Needs a fitted student, candidates that pseudo-label found, and the labelled sets. Writes OUT/to_label.json (what to
    label and why), OUT/scored.json (every candidate), OUT/labelled.json, OUT/picks.jpg, OUT/pick_inputs.npz (for trying
    other rules without a network), REPORT/metrics.json and, with select.fiftyone, a FiftyOne dataset with the saved
    view to_label; `dataengine app` opens it.

    Images of the labelled sets, and of the label store --labels, are not asked for again, at whatever size they were
    decoded.

    select.budget is what may be spent, in select.budget_unit: images, people, keypoints or minutes of labelling.
    select.strategy is the way to choose, select.weights how much each uncertainty counts. Uncertainty is the OKS that
    the student is expected to lose, as far as validation has enough people to learn that from. With weights.rarity
    above 0, poses far from all of the training set are worth more, which takes --balance; without it nothing else
    changes, but OUT/scored.json has no rarity. With --mistakes the dataset has the saved view likely_mistakes of
    labelled images, the likeliest first. With --rounds, what is asked for, why and by which model is entered in the
    ledger of rounds, which `dataengine ledger` and `dataengine trace` read. Open requests (section `requests`,
    docs/rounds.md) choose first, with at most requests.label_share of the budget.

    Example: dataengine select --student models/fit-student --candidates data/pseudo-label/candidates.json --labelled data/mix/train.json --val data/ingest/val.json --labels data/labels --balance data/balance --held-out data/ingest/held_out.json --rounds data/rounds --out data/select --report reports/select
    """  # noqa: E501  an example is one line to copy
    run(
        load_section(params, SECTION, SelectParams),
        requests=load_requests_params(params),
        protocol=load_protocol(params),
        student=student,
        candidates=candidates,
        labelled=labelled,
        val=val,
        out=out,
        report=report,
        labels=labels,
        balance=balance,
        held_out=held_out,
        mistakes=mistakes,
        second=second,
        rounds=rounds,
        cluster=cluster,
    )


def run(
    params: SelectParams,
    *,
    student: Path,
    candidates: Path,
    labelled: Path,
    val: Path,
    out: Path,
    report: Path,
    labels: Path | None = None,
    balance: Path | None = None,
    held_out: Path | None = None,
    protocol: OksProtocol = COCO,
    mistakes: Path | None = None,
    second: Path | None = None,
    rounds: Path | None = None,
    cluster: str | None = None,
    requests: RequestsParams = NO_REQUESTS,
) -> None:
    """Select, write, and build the FiftyOne view last: what the database does costs no selection.

    Where nobody is unlabelled, or nothing fits into the budget, nothing is picked, and a line says so.

    Raises:
        InputError: an input or a record in `rounds` is damaged, or a candidate or training picture is one that the file
            `held_out` names.
        ParamsError: rarity or the second network has a weight, and its folder is not given.
    """
    networks = _networks(params, student, balance, second)
    if rounds is not None:
        read_rounds(rounds)  # a damaged one stops the stage before hours of scoring
    asked = open_requests(requests)
    poses = None if balance is None else read_training_poses(balance)
    store = read_store(labels) if labels else []
    known = read_labelled({"train": labelled, "val": val}, store)
    if mistakes is not None:
        known = with_mistakes(known, read_suspects(mistakes))
    truth, truth_images = known.people, known.images
    people, images = read_unlabelled(candidates, known.answered, params.min_gap_frames)
    refuse_held_out(held_out, images, candidates)
    training = np.unique(truth_images.rows_of(truth.image_id[truth.extras["split"] == "train"]))
    refuse_held_out(held_out, truth_images.take(training), labelled)
    seen = look_on(cluster, networks, people, images)
    seen_truth = look_on(cluster, Networks(student=student), truth, truth_images)
    weights = asdict(params.weights)
    for_validation = np.flatnonzero(truth.extras["split"] == "val")
    judged = truth.take(for_validation)
    seen_judged = look_on(cluster, networks, judged, truth_images) if networks.more else seen_truth.take(for_validation)
    curves, fit = learn_losses(seen_judged, judged, truth_images, weights, protocol)
    scored = scored_people(seen, people, images, weights, poses, protocol, curves)
    pose, appearance = embedding_blocks([(seen, people), (seen_truth, truth)])
    embeddings, covered = np.split(joint_embedding(pose, appearance, params.appearance_weight), [len(people)])
    choice = candidate_images(scored, images)
    rank = np.full(len(images), len(images))
    rank[choice.image_row[np.argsort(-choice.score, kind="stable")]] = np.arange(len(choice.score))
    shown_elsewhere = lookalikes(people, images, rank, (truth, truth_images))
    choice = choice.take(~shown_elsewhere[choice.image_row])
    seconds = measured_seconds_per_joint(store) or params.seconds_per_joint
    joints = int(seen.plain.person_score.taught.sum())
    costs = image_costs(params.budget_unit, choice.people, joints, seconds)
    query = {name: getattr(params, name) for name in ("strategy", "budget", "min_gap_frames", "film_excess", "seed")}
    shares = requested_shares(
        asked, choice, scored, images, poses, costs=costs, most=params.budget * requests.label_share
    )
    picked, wanted_by = pick_with_requests(choice, images, embeddings, covered, costs, PickRules(**query), shares)
    header = {
        **query,
        "budget_unit": params.budget_unit,
        "uncertainty_unit": "mean of ranks" if curves is None else "expected loss of OKS",
        "student_sha256": sha256_file(student / WEIGHTS_NAME),
        "weights": weights,
        "appearance_weight": params.appearance_weight,
        "seconds_per_joint": round(seconds, 4),
        "candidates_sha256": sha256_file(candidates),
        "candidate_images": len(choice.score),
    }
    with fresh_folder(out) as folder:
        answered = with_student(truth, truth_images, seen_truth, protocol)
        tables = {SCORED: (scored, images), LABELLED: (answered, truth_images)}
        alike = stands_for(choice, picked, embeddings, covered)
        entries = manifest_entries(
            choice, picked, scored, images, weights=weights, alike=alike, costs=costs, folder=out
        )
        entries = with_requests(entries, wanted_by, {request.id: request_words(request) for request in asked})
        write_selection(folder, header, entries, tables)
        write_sheet(folder / SHEET, choice, picked, scored, images)
        by_score = scores_with_teacher(seen, people, images, weights, protocol)
        PickInputs(
            pose=pose,
            appearance=appearance,
            shown_elsewhere=shown_elsewhere,
            expected={} if curves is None else expected_losses(by_score, curves),
            joints=joints,
            seconds_per_joint=seconds,
        ).write(folder / PICK_INPUTS)
    if rounds is not None and not in_temporary_copy(Path.cwd()):  # DVC removes a copy; its outcome may never be used
        enter_selection(rounds, out)
    metrics = selection_metrics(choice, picked, images, embeddings, covered)
    spent = {"spent": round(float(costs[picked].sum()), 4)} if len(choice.score) else {}
    calibration = {} if fit is None else {"calibration": asdict(fit)}
    write_json(report / "metrics.json", {**metrics, **spent, **calibration})
    if curves is None and len(people):
        say("select: validation has too few labelled joints to learn losses from; uncertainty is a mean of ranks")
    say(f"select: {len(picked)} of {len(choice.score)} images to label, in {out / MANIFEST}")
    if not len(choice.score):
        say(f"select: {candidates} has nobody in an image without labels; add video to the pool, or loosen the filters")
    elif not len(picked):
        say(f"select: the cheapest image costs {costs.min():.3g} {params.budget_unit}: raise select.budget")
    if params.fiftyone:
        show(out, params.dataset)


def _networks(params: SelectParams, student: Path, balance: Path | None, second: Path | None) -> Networks:
    """What has to be asked for the scores that weigh anything."""
    if params.weights.rarity and balance is None:
        fix = "give --balance, or set it to 0"
        raise ParamsError("params select.weights.rarity needs the training set's poses", fix=fix)
    if params.weights.second and second is None:
        raise ParamsError("params select.weights.second needs a second network", fix="give --second, or set it to 0")
    return Networks(
        student=student,
        second=second if params.weights.second else None,
        jittered=params.weights.jitter > 0,
        peaks=params.weights.peaks > 0,
        dropout=params.weights.dropout > 0,
    )


def show(out: Path, dataset_name: str) -> None:
    """Build the FiftyOne view of the selection in `out`. Where that fails, a line says why, and the run goes on."""
    if in_temporary_copy(Path.cwd()):
        say("select: no FiftyOne view of a temporary copy, which DVC removes with its pictures")
        return
    try:
        from .curation.fiftyone_view import ensure_dataset  # takes seconds to import
        from .curation.run_tables import selection_tables

        dataset = ensure_dataset(selection_tables(out), dataset_name)
    except Exception as fault:  # of a database, a driver, a library, or of another select: none is worth a run
        reason = " ".join(str(fault).split()) or type(fault).__name__
        say(f"select: the picks are whole, but FiftyOne does not show them: {reason}. Try: dataengine app")
        return
    say(f"select: {len(dataset)} samples in FiftyOne dataset {dataset.name!r}; open: dataengine app")
