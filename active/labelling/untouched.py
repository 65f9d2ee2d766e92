"""Joints that came back where the model had put them: counted by annotator and picture, and what is done about it.

An annotator who corrects nothing returns the model's guess as truth. `measure` counts, `apply_policy` refuses, marks or
drops the work of annotators who left nearly everything as it was.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import linear_sum_assignment

from dataengine.boxes import pairwise_iou
from dataengine.errors import InputError, ParamsError
from dataengine.keypoints import UNLABELLED
from dataengine.labels.joint_weights import with_joint_weights
from dataengine.people import People

from .answers import AnnotatorAnswers
from .sent import Sent


@dataclass(frozen=True, kw_only=True)
class LabelImportParams:
    """Section `label-import` of params.yaml."""

    moved_px: float
    """A joint that lies nearer than this to where the model put it was not touched."""
    max_untouched_share: float
    """An annotator who leaves a larger share of the joints untouched is one who only passed them on."""
    untouched: Literal["refuse", "mark", "drop"]
    """What to do with the labels of such an annotator: `refuse` the import; `mark`: keep them, with `untouched_weight`
    for the untouched joints; `drop` the pictures in which they touched nothing."""
    untouched_weight: float
    """What an untouched joint of such an annotator weighs in training, 0 to 1; for `mark`."""

    def __post_init__(self) -> None:
        if not self.moved_px > 0:
            raise ParamsError("moved_px", expected="above 0", got=str(self.moved_px))
        for name in ("max_untouched_share", "untouched_weight"):
            if not 0 <= getattr(self, name) <= 1:
                raise ParamsError(name, expected="0 to 1", got=str(getattr(self, name)))


@dataclass(frozen=True, kw_only=True)
class Effort:
    """What an annotator did with the joints of a picture."""

    annotator: str
    sha256: str
    people: int
    """Labelled by the annotator."""
    untouched: int = 0
    """Joints left where the model had put them."""
    moved: int = 0
    added: int = 0
    """Joints that the model had not labelled."""
    removed: int = 0
    """Joints of the model's that did not come back."""

    @property
    def joints(self) -> int:
        """All that there were before or after."""
        return self.untouched + self.moved + self.added + self.removed


@dataclass(frozen=True, eq=False)
class Touched:
    """The effort behind some answers."""

    efforts: Sequence[Effort]
    """One for each annotator and picture, in the order of their names."""
    untouched: NDArray[np.bool_]  # (n, 17) of the answers' people: labelled, and where the model had put them


def measure(answers: AnnotatorAnswers, sent: Sent, moved_px: float) -> Touched:
    """Compare answers with the pre-labels."""
    people = answers.people
    untouched = np.zeros(people.visibility.shape, dtype=bool)
    pairs = set(zip(people.extras["annotator"].tolist(), people.extras["sha256"].tolist(), strict=True))
    efforts = []
    for annotator, sha256 in sorted(pairs | {(name, key) for key, name in answers.nobody.items()}):
        rows = np.flatnonzero((people.extras["annotator"] == annotator) & (people.extras["sha256"] == sha256))
        before = sent.prelabels.take(sent.prelabels.extras["sha256"] == sha256)
        counts, untouched[rows] = _compared(people.take(rows), before, moved_px)
        efforts.append(Effort(annotator=annotator, sha256=sha256, people=len(rows), **counts))
    return Touched(efforts, untouched)


def by_annotator(efforts: Sequence[Effort]) -> dict[str, dict[str, Any]]:
    """Sums for each annotator: pictures, people, joints by what became of them, and the untouched share."""
    table: dict[str, dict[str, Any]] = {}
    for effort in efforts:
        sums = table.setdefault(effort.annotator, {"pictures": 0})
        sums["pictures"] += 1
        for name, value in asdict(effort).items():
            if isinstance(value, int):
                sums[name] = sums.get(name, 0) + value
    for sums in table.values():
        joints = sum(sums[name] for name in ("untouched", "moved", "added", "removed"))
        sums["untouched_share"] = round(sums["untouched"] / max(joints, 1), 4)
    return table


def apply_policy(
    answers: AnnotatorAnswers, measured: Touched, params: LabelImportParams
) -> tuple[AnnotatorAnswers, dict[str, str]]:
    """The answers to keep, with what was done about each annotator who touched too little: `marked` or `dropped`.

    Everybody gets the column `touched`, the share of the labelled joints that the annotator touched.

    Raises:
        InputError: somebody touched too little, and the policy is to refuse that.
    """
    labelled = answers.people.visibility > UNLABELLED
    touched = 1 - measured.untouched.sum(axis=1) / np.maximum(labelled.sum(axis=1), 1)
    people = answers.people.with_extra("touched", touched.round(4))
    sums = by_annotator(measured.efforts)
    idle = {name: own for name, own in sums.items() if own["untouched_share"] > params.max_untouched_share}
    if not idle:
        return AnnotatorAnswers(people=people, nobody=answers.nobody), {}
    if params.untouched == "refuse":
        raise _refusal(idle, params)
    if params.untouched == "mark":
        passed_on = measured.untouched & np.isin(people.extras["annotator"], sorted(idle))[:, None]
        people = with_joint_weights(people, np.where(passed_on, params.untouched_weight, 1.0))
        return AnnotatorAnswers(people=people, nobody=answers.nobody), dict.fromkeys(idle, "marked")
    seen_through = [e for e in measured.efforts if e.annotator in idle and e.untouched == e.joints]
    left_out = {(e.annotator, e.sha256) for e in seen_through}
    keys = zip(people.extras["annotator"].tolist(), people.extras["sha256"].tolist(), strict=True)
    people = people.take(np.array([key not in left_out for key in keys], dtype=bool))
    return AnnotatorAnswers(people=people, nobody=answers.nobody), dict.fromkeys(idle, "dropped")


def _compared(after: People, before: People, moved_px: float) -> tuple[dict[str, int], NDArray[np.bool_]]:
    """Counts for `Effort`, and which joints (n, 17) of `after` are untouched, of one picture."""
    now, then = after.visibility > UNLABELLED, before.visibility > UNLABELLED
    partner = _partner(after, before, moved_px)
    matched = partner >= 0
    was = np.zeros_like(now)
    untouched = np.zeros_like(now)
    was[matched] = then[partner[matched]]
    apart = np.linalg.norm(after.keypoints_px[matched] - before.keypoints_px[partner[matched]], axis=2)
    untouched[matched] = now[matched] & was[matched] & (apart < moved_px)
    counts = {
        "untouched": untouched.sum(),
        "moved": (now & was & ~untouched).sum(),
        "added": (now & ~was).sum(),
        "removed": then.sum() - (now & was).sum(),
    }
    return {name: int(count) for name, count in counts.items()}, untouched


def _partner(after: People, before: People, moved_px: float) -> NDArray[np.int64]:
    """Row of `before` (n,) that each person began as, -1 for none.

    The pairing with the largest shares of untouched joints and the least distances; people whose boxes do not meet and
    who have no such joint are no pair.
    """
    partner = np.full(len(after), -1, dtype=np.int64)
    both = (after.visibility > UNLABELLED)[:, None] & (before.visibility > UNLABELLED)[None]
    apart = np.linalg.norm(after.keypoints_px[:, None] - before.keypoints_px[None], axis=3)
    same = (both & (apart < moved_px)).sum(axis=2)
    shared = both.sum(axis=2)
    mean = np.where(both, apart, 0).sum(axis=2) / np.maximum(shared, 1)
    nearness = np.where(shared > 0, 1 / (1 + mean), 0)
    may_be = (same > 0) | (pairwise_iou(after.bbox_xywh_px, before.bbox_xywh_px) > 0)
    worth = np.where(may_be, 1 + same / np.maximum(shared, 1) + nearness, 0)
    for i, j in zip(*linear_sum_assignment(-worth), strict=True):
        if may_be[i, j]:
            partner[i] = j
    return partner


def _refusal(idle: dict[str, dict[str, Any]], params: LabelImportParams) -> InputError:
    name, sums = max(idle.items(), key=lambda item: float(item[1]["untouched_share"]))
    joints = sum(sums[key] for key in ("untouched", "moved", "added", "removed"))
    more = f" (and {len(idle) - 1} more annotators)" if len(idle) > 1 else ""
    return InputError(
        f"annotator {name}{more} left {sums['untouched']} of {joints} joints where the model had put them",
        expected=f"a share of at most {params.max_untouched_share:g} (label-import.max_untouched_share)",
        got=f"{sums['untouched_share']:g}",
        fix="correct the labels; or set label-import.untouched to mark or drop, if the model was right",
    )
