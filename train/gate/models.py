"""A model under the gate: the exported file that ships, run on the test set, with all figures that the report shows."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import logit

from dataengine.errors import InputError
from dataengine.evaluation.analysis.breakdown import ErrorBreakdown, break_down
from dataengine.evaluation.analysis.calibration import Reliability, score_reliability
from dataengine.evaluation.analysis.slice_builders import (
    slices_by_person,
    slices_by_pose,
    slices_by_tags,
    standard_slices,
)
from dataengine.evaluation.analysis.slices import Slice, slice_matches
from dataengine.evaluation.ap.matching import Matches, Pairs, paired
from dataengine.evaluation.ap.oks import coco_ap, figures, joint_ap, person_oks
from dataengine.evaluation.ap.protocol import COCO, OksProtocol
from dataengine.evaluation.pck import pck
from dataengine.inference.choose_runner import Candidate
from dataengine.inference.exported import ExportedModel
from dataengine.inference.running.predict import Prediction, Runner, predict_people
from dataengine.people import Images, People
from dataengine.poses.training_poses import TrainingPoses

from .comparison import ErrorRow, ModelFigures, ReliabilityBin
from .evidence import WHOLE

LEAST_OKS = 1e-4  # its logit is finite
NOWHERE_ELSE: Mapping[str, People] = {}


@dataclass(frozen=True, eq=False)
class ScoredModel:
    """One model on the test set."""

    prediction: Prediction
    pairs: Pairs
    figures: ModelFigures
    breakdown: ErrorBreakdown

    @property
    def latency_ms(self) -> float | None:
        """Latency of one crop at batch 1; None if the export did not measure it with this runner."""
        return self.figures.latency_ms.get("1")


def score(
    model: ExportedModel,
    people: People,
    images: Images,
    *,
    candidate: Candidate,
    runner: Runner,
    who: str,
    elsewhere: Mapping[str, People] = NOWHERE_ELSE,
    protocol: OksProtocol = COCO,
) -> ScoredModel:
    """Run `model` with `runner`, which `candidate` made, on everyone in their labelled boxes; `who` is for progress.

    `elsewhere` names figures of AP and holds the boxes, not those of the labels, in which people are looked for.
    """
    name = candidate.file_of(model)
    prediction = predict_people(runner, model.meta, people, images, description=who)
    predicted_people = prediction.as_people(people)
    pairs = paired(people, images, predicted_people, protocol)
    record = model.sidecar["files"][name]
    poses, breakdown = score_reliability(pairs), break_down(pairs)
    return ScoredModel(
        prediction,
        pairs,
        ModelFigures(
            id=model.id,
            file=name,
            figures=figures(pairs)
            | {"PCK@0.2": pck(people, prediction.keypoints_px)}
            | {
                key: _ap_in(boxes, model, people, images, runner=runner, protocol=protocol, description=key)
                for key, boxes in elsewhere.items()
            },
            joints=joint_ap(people, images, predicted_people, protocol),
            latency_ms=_latency_ms(record, candidate.name),
            machine=str(model.sidecar.get("measured_on", "")),
            size_bytes=int(record["bytes"]),
            ece=None if math.isnan(poses.ece) else poses.ece,
            reliability=_bins(poses),
            errors=_errors(breakdown),
            runner=candidate.words,
        ),
        breakdown,
    )


def _ap_in(
    boxes: People,
    model: ExportedModel,
    people: People,
    images: Images,
    *,
    runner: Runner,
    protocol: OksProtocol,
    description: str,
) -> float:
    """AP where people are looked for in `boxes`, ranked by the model's confidence times that of the box."""
    if not len(boxes):
        return 0.0
    prediction = predict_people(runner, model.meta, boxes, images, description=description)
    found = prediction.as_people(boxes)
    ranked = found.replace(score=found.score * boxes.score)
    return coco_ap(people, images, ranked, protocol).get("AP", 0.0)


def _latency_ms(record: Mapping[str, Any], runner: str) -> dict[str, float]:
    """What the export measured for a file, if with this runner; older exports do not name theirs and have only one."""
    return dict(record.get("latency_ms", {})) if record.get("runner", runner) == runner else {}


def slices_of(people: People, images: Images, columns: list[str], poses: TrainingPoses | None = None) -> list[Slice]:
    """Slices from labels, training poses and the values of the extra `columns` of people; a column of lists holds tags.

    Raises:
        InputError: a column is missing, or its slices have the names of another column's or of those by pose.
    """
    slices = standard_slices(people, images)
    if poses is not None:
        slices += slices_by_pose(poses, people, images)
    for name in columns:
        if name not in people.extras:
            columns_there = ", ".join(people.extras) or "none"
            raise InputError(f"the test set has no column {name!r}", expected=f"one of: {columns_there}", got=name)
        values = people.extras[name].tolist()
        if any(isinstance(value, list) for value in values):
            slices += slices_by_tags(name, [value or [] for value in values], people, images)
        else:
            slices += slices_by_person(name, _texts(values), people, images)
    names = [part.name for part in slices]
    repeated_names = sorted({name for name in names if names.count(name) > 1})
    if repeated_names:
        fix = "rename or leave out the column in compare.columns"
        raise InputError("two slices have one name", expected="each name once", got=", ".join(repeated_names), fix=fix)
    return slices


def matches_of(pairs: Pairs, images: Images, slices: list[Slice]) -> dict[str, Matches]:
    """Matches within the whole set and within each slice, by name."""
    return {WHOLE: pairs.match(), **{part.name: slice_matches(pairs, images, part) for part in slices}}


def agreement(people: People, one: Prediction, other: Prediction, protocol: OksProtocol = COCO) -> float | None:
    """Correlation of two models' logits of OKS over people, which decides how well their difference can be measured.

    None if one model is equally good on everybody.
    """
    first, second = oks_logits(people, one, protocol), oks_logits(people, other, protocol)
    spread = min(float(np.std(first)), float(np.std(second)))
    return float(np.corrcoef(first, second)[0, 1]) if spread > 0 else None


def oks_logits(people: People, prediction: Prediction, protocol: OksProtocol = COCO) -> NDArray[np.float64]:
    """(n,) logit of each person's OKS, cut to what is finite."""
    oks = person_oks(people, prediction.keypoints_px, protocol)
    return np.asarray(logit(np.clip(oks, LEAST_OKS, 1 - LEAST_OKS)))


def _texts(values: list[Any]) -> NDArray[np.str_]:
    return np.array(["" if value is None else str(value) for value in values], dtype=str)


def _bins(reliability: Reliability) -> tuple[ReliabilityBin, ...]:
    rows = zip(reliability.confidence, reliability.outcome, reliability.count, strict=True)
    return tuple(ReliabilityBin(float(confidence), float(oks), int(count)) for confidence, oks, count in rows if count)


def _errors(breakdown: ErrorBreakdown) -> tuple[ErrorRow, ...]:
    """Number of joints in each class of error; for the last three, of people or detections."""
    counts: Mapping[str, int] = {
        "score": int(breakdown.misscored.sum()),
        "background": int((breakdown.labels == "background").sum()),
        "not found": int(breakdown.not_found.sum()),
    }
    return tuple(
        ErrorRow(name, counts.get(name, sum(joint.get(name, 0) for joint in breakdown.joints.values())), cost)
        for name, cost in breakdown.cost.items()
    )
