"""Stage `select`: what a person should label next.

`run` takes four steps (`selecting/`): it reads the candidates and the labelled set, runs the student on both, learns
from the validation people what its doubts are worth and scores every candidate, picks images by a query strategy, and
writes the manifest with its evidence. Then, if asked, it builds the FiftyOne view of that (`curation/`).

A person labels whole images, so an image is as wanted as its most wanted person. `docs/selection.md` is its page.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from dataengine.dvc_cache.temporary_copy import in_temporary_copy
from dataengine.evaluation.ap.protocol import COCO, OksProtocol
from dataengine.evaluation.own_sigmas import load_protocol
from dataengine.files import write_json
from dataengine.params import load_section
from dataengine.requests.pinned import NO_REQUESTS, RequestsParams, load_requests_params
from dataengine.terminal.folders import folder_option, out_folder_option, replaced_folder_option
from dataengine.terminal.options import PARAMS_FILE, Cluster, HeldOut, ParamsFile
from dataengine.terminal.speech import say

from .manifest.entered import enter_selection
from .manifest.files import LABELLED, MANIFEST, SCORED, SHEET
from .query.pick_inputs import PICK_INPUTS
from .query.select_params import SelectParams
from .selecting.inputs import SelectFiles, read_inputs
from .selecting.picks import choose
from .selecting.results import metrics_of, write_results
from .selecting.scores import score

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
    files = SelectFiles(
        student=student,
        candidates=candidates,
        labelled=labelled,
        val=val,
        labels=labels,
        balance=balance,
        held_out=held_out,
        mistakes=mistakes,
        second=second,
        rounds=rounds,
    )
    inputs = read_inputs(params, files, requests)
    scores = score(params, inputs, protocol, cluster)
    picks = choose(params, requests, inputs, scores)
    write_results(out, params, files, inputs, scores, picks)
    if rounds is not None and not in_temporary_copy(Path.cwd()):  # DVC removes a copy; its outcome may never be used
        enter_selection(rounds, out)
    write_json(report / "metrics.json", metrics_of(inputs, scores, picks))
    if scores.curves is None and len(inputs.people):
        say("select: validation has too few labelled joints to learn losses from; uncertainty is a mean of ranks")
    choices = len(picks.choice.score)
    say(f"select: {len(picks.picked)} of {choices} images to label, in {out / MANIFEST}")
    if not choices:
        say(f"select: {candidates} has nobody in an image without labels; add video to the pool, or loosen the filters")
    elif not len(picks.picked):
        say(f"select: the cheapest image costs {picks.costs.min():.3g} {params.budget_unit}: raise select.budget")
    if params.fiftyone:
        show(out, params.dataset)


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
