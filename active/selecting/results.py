"""The last step of `select`: the manifest with its evidence, the tables, the sheet and the metrics."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

from dataengine.files import fresh_folder, sha256_file
from dataengine.nets.checkpoint import WEIGHTS_NAME

from ..asking.label_shares import request_words
from ..manifest.evidence import manifest_entries, with_requests, write_sheet
from ..manifest.files import LABELLED, SCORED, SHEET, write_selection
from ..query.pick_inputs import PICK_INPUTS, PickInputs
from ..query.picking import selection_metrics, stands_for
from ..query.select_params import SelectParams
from .inputs import SelectFiles, SelectInputs
from .picks import SelectPicks, pick_rules
from .scores import SelectScores


def write_results(
    out: Path, params: SelectParams, files: SelectFiles, inputs: SelectInputs, scores: SelectScores, picks: SelectPicks
) -> None:
    """Write the folder of the selection, whole or not at all."""
    choice, picked, images = picks.choice, picks.picked, inputs.images
    alike = stands_for(choice, picked, scores.embeddings, scores.covered)
    entries = manifest_entries(
        choice,
        picked,
        scores.scored,
        images,
        weights=asdict(params.weights),
        alike=alike,
        costs=picks.costs,
        folder=out,
    )
    words = {request.id: request_words(request) for request in inputs.requests}
    entries = with_requests(entries, picks.wanted_by, words)
    tables = {SCORED: (scores.scored, images), LABELLED: (scores.answered, inputs.truth_images)}
    kept = PickInputs(
        pose=scores.pose,
        appearance=scores.appearance,
        shown_elsewhere=picks.shown_elsewhere,
        expected=scores.expected,
        joints=scores.joints,
        seconds_per_joint=inputs.seconds_per_joint,
    )
    with fresh_folder(out) as folder:
        write_selection(folder, _header(params, files, inputs, scores, picks), entries, tables)
        write_sheet(folder / SHEET, choice, picked, scores.scored, images)
        kept.write(folder / PICK_INPUTS)


def _header(
    params: SelectParams, files: SelectFiles, inputs: SelectInputs, scores: SelectScores, picks: SelectPicks
) -> dict[str, Any]:
    """What the manifest says of the selection as a whole."""
    return {
        **asdict(pick_rules(params)),
        "budget_unit": params.budget_unit,
        "uncertainty_unit": "mean of ranks" if scores.curves is None else "expected loss of OKS",
        "student_sha256": sha256_file(files.student / WEIGHTS_NAME),
        "weights": asdict(params.weights),
        "appearance_weight": params.appearance_weight,
        "seconds_per_joint": round(inputs.seconds_per_joint, 4),
        "candidates_sha256": sha256_file(files.candidates),
        "candidate_images": len(picks.choice.score),
    }


def metrics_of(inputs: SelectInputs, scores: SelectScores, picks: SelectPicks) -> Mapping[str, Any]:
    """The figures of `metrics.json`: see `selection_metrics`, what is spent, and how far the losses can be trusted."""
    figures: dict[str, Any] = dict(
        selection_metrics(picks.choice, picks.picked, inputs.images, scores.embeddings, scores.covered)
    )
    if len(picks.choice.score):
        figures["spent"] = round(float(picks.costs[picks.picked].sum()), 4)
    if scores.fit is not None:
        figures["calibration"] = asdict(scores.fit)
    return figures
