"""Gold frames: pictures with known truth among those to label, which show how well each annotator labels.

`choose_gold` picks them for an export, `guesses` are their pre-labels, and `agreement` compares answers with the truth.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import linear_sum_assignment

from dataengine.columns import numbers_of
from dataengine.errors import InputError
from dataengine.evaluation.ap.oks import person_oks
from dataengine.evaluation.ap.protocol import COCO, OksProtocol
from dataengine.evaluation.pck import pck
from dataengine.geometry.pixel_grid import within
from dataengine.keypoints import UNLABELLED, VISIBLE
from dataengine.labels.joint_weights import joint_weights
from dataengine.people import JOINTS, People
from dataengine.person_scale import with_joint_area

from ..manifest.files import Selection
from .answers import AnnotatorAnswers
from .sent import Sent

HARDER_SHARE = 0.5
"""Gold frames are drawn from this share of the labelled ones, where the student errs most: where its guess is right, an
annotator who touches nothing agrees with the truth."""
PCK_FRACTION = 0.2


def choose_gold(selection: Selection, count: int, rng: np.random.Generator) -> NDArray[np.int64]:
    """Rows of `selection.labelled_images` (count,) to mix in, drawn from the half on which the student errs most.

    Frames with a joint that is not fully trusted are no gold.

    Raises:
        InputError: fewer frames are labelled.
    """
    images, people = selection.labelled_images, selection.labelled
    row = images.rows_of(people.image_id)
    doubted = ((joint_weights(people) < 1) & (people.visibility > UNLABELLED)).any(axis=1)
    trusted = np.setdiff1d(np.arange(len(images)), row[doubted])
    if not 0 <= count <= len(trusted):
        got, most = str(count), f"0 to {len(trusted)}, the frames with trusted labels"
        raise InputError("gold frames cannot be drawn", expected=most, got=got)
    if count == 0:
        return np.empty(0, dtype=np.int64)
    oks = np.bincount(row, weights=person_oks(people, student_px(people)), minlength=len(images))
    mean = oks / np.maximum(np.bincount(row, minlength=len(images)), 1)
    by_hash = trusted[np.argsort(np.array(selection.labelled_sha256, dtype=str)[trusted])]
    hardest = by_hash[np.argsort(mean[by_hash], kind="stable")][: max(count, int(len(trusted) * HARDER_SHARE))]
    return np.asarray(rng.permutation(hardest)[:count], dtype=np.int64)


def guesses(gold: People, picture_px: NDArray[np.int64], taught: NDArray[np.bool_]) -> People:
    """The gold people as the student sees them: its places of the joints `taught` (17,) that lie in the picture.

    Their area is that of these joints, as a pick's is: the truth's would show them.
    """
    points = student_px(gold)
    seen = taught & within(points, picture_px[:, None])
    visibility = np.where(seen, VISIBLE, UNLABELLED).astype(np.uint8)
    return with_joint_area(gold.replace(keypoints_px=points.astype(np.float32), visibility=visibility))


def student_px(people: People) -> NDArray[np.float64]:
    """Column `student_px` (n, 17, 2); without it an `InputError`, unless there is nobody."""
    if "student_px" not in people.extras and len(people):
        raise InputError("the labelled frames lack the student's joints", fix="run `dataengine select` again")
    if not len(people):
        return np.empty((0, JOINTS, 2))
    return np.stack([numbers_of(each, (JOINTS, 2), "student_px") for each in people.extras["student_px"].tolist()])


def agreement(truth: People, answer: People, protocol: OksProtocol = COCO) -> Mapping[str, float | int]:
    """How well `answer` agrees with `truth`, both with column `sha256`, in the pictures of `truth`.

    `oks` is the mean over the true people, 0 for one who is missing; `pck` (at 0.2) the share of joints of those who
    are there. Only joints that both label count, since whether a hidden joint is worth a label is a matter of policy;
    `joints_labelled` is the share of the true ones that the answer has.
    """
    found = _partner(truth, answer, protocol)
    known, partner = truth.take(found >= 0), answer.take(found[found >= 0])
    shared = known.replace(visibility=np.where(partner.visibility > UNLABELLED, known.visibility, UNLABELLED))
    oks = person_oks(shared, partner.keypoints_px, protocol).sum() / max(len(truth), 1)
    labelled = (shared.visibility > UNLABELLED).sum() / max((truth.visibility > UNLABELLED).sum(), 1)
    return {
        "people": len(truth),
        "missed": len(truth) - len(known),
        "oks": round(float(oks), 4),
        "pck": round(pck(shared, partner.keypoints_px, PCK_FRACTION), 4),
        "joints_labelled": round(float(labelled), 4),
    }


def on_gold(answers: AnnotatorAnswers, sent: Sent, annotator: str, protocol: OksProtocol) -> dict[str, Any]:
    """How well the annotator's answers about gold frames, and the model's guess, agree with the truth; {} without."""
    people = answers.people
    mine = people.take(people.extras["annotator"] == annotator)
    empty = {key for key, name in answers.nobody.items() if name == annotator}
    pictures = (frozenset(mine.extras["sha256"].tolist()) | empty) & sent.gold_sha256
    if not pictures:
        return {}
    truth = _in_pictures(sent.gold, pictures)
    guess = agreement(truth, _in_pictures(sent.prelabels, pictures), protocol)
    figures = {**agreement(truth, mine, protocol), "prelabel_oks": guess["oks"]}
    return {"pictures": len(pictures), **figures, "oks_sigmas": protocol.sigmas_name}


def _in_pictures(people: People, sha256: frozenset[str]) -> People:
    return people.take(np.isin(people.extras["sha256"], sorted(sha256)))


def _partner(truth: People, answer: People, protocol: OksProtocol) -> NDArray[np.int64]:
    """Row of `answer` (n,) that stands for each true person, -1 for none: the greatest total OKS in each picture."""
    partner = np.full(len(truth), -1, dtype=np.int64)
    for sha256 in np.unique(truth.extras["sha256"]):
        rows, others = (np.flatnonzero(people.extras["sha256"] == sha256) for people in (truth, answer))
        n, m = len(rows), len(others)
        pairs = answer.take(np.tile(others, n)), truth.take(np.repeat(rows, m))
        both = np.where(pairs[0].visibility > UNLABELLED, pairs[1].visibility, UNLABELLED)
        oks = person_oks(pairs[1].replace(visibility=both), pairs[0].keypoints_px, protocol).reshape(n, m)
        for i, j in zip(*linear_sum_assignment(-oks), strict=True):
            if oks[i, j] > 0:
                partner[rows[i]] = others[j]
    return partner
