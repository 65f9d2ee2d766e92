"""The people that examples may be taken from: training and validation, with the student's answers, and the pool.

All of it stands in what `select` left. None of it is the test set: `select` refuses its pictures, and `refuse_test`
refuses them again by the hashes of `ingest`, whatever file a person put in their place.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from dataengine.errors import InputError
from dataengine.evaluation.ap.oks import person_oks
from dataengine.evaluation.ap.protocol import OksProtocol
from dataengine.keypoints import UNLABELLED
from dataengine.labelled_set import joined
from dataengine.leakage.held_out import read_held_out
from dataengine.people import Images, People
from dataengine.requests.record import ORIGIN

from ..choice.strategies import uncertain_and_far
from ..manifest.files import LABELLED, SCORED, read_selection

MEASURED = ("test", "reserved")
"""Splits whose people are only measured on."""
LEAST_JOINTS = 8
"""Labelled in an example; the fit of the body takes six, of which some may be wrong."""


@dataclass(frozen=True, eq=False, kw_only=True)
class ShownPeople:
    """Labelled and unlabelled people, none of the test set."""

    people: People  # labelled ones with their labels, those of the pool with the student's answer; ORIGIN, sha256
    images: Images
    loss: NDArray[np.float64]  # (n,) OKS that the student loses; of the pool, that it is expected to lose

    def rows_from(self, *origins: str) -> NDArray[np.bool_]:
        """Which people (n,) are of these splits."""
        return np.isin(self.people.extras[ORIGIN].astype(str), origins)


def read_shown_people(selection: Path, protocol: OksProtocol) -> ShownPeople:
    """The people of the selection folder.

    Raises:
        InputError: a file of it is missing or damaged.
    """
    found = read_selection(selection)
    labelled, scored = found.labelled, found.scored
    parts, losses = [], []
    if len(labelled):
        answers = np.array(labelled.extras["student_px"].tolist(), dtype=np.float32)
        losses.append(1 - np.nan_to_num(person_oks(labelled, answers, protocol), nan=1.0))
        parts.append((_plain(labelled, labelled.extras["split"]), found.labelled_images))
    if len(scored):
        losses.append(scored.extras["uncertainty"].astype(np.float64))
        parts.append((_plain(scored, np.full(len(scored), "pool")), found.scored_images))
    if not parts:
        raise InputError(f"{selection} holds nobody", expected=f"people in {LABELLED} or {SCORED}")
    people, images = joined(parts, first_id=0)
    return ShownPeople(people=people, images=images, loss=np.concatenate(losses))


def refuse_test(held_out: Path | None, sha256: list[str], what: str) -> None:
    """Raise `InputError` where one of the pictures is held out for the test."""
    if held_out is None:
        return
    held = read_held_out(held_out)
    measured = set(held.contents.sha256[np.isin(held.split, MEASURED)].tolist())
    leaks = sorted(set(sha256) & measured)
    if leaks:
        fix = "ask for a slice instead, and take poses of other people"
        raise InputError(f"{what} shows people of the test set", expected="none", got=leaks[0][:12], fix=fix)


def examples_among(
    known: ShownPeople, rows: NDArray[np.bool_], count: int, embeddings: NDArray[np.float64]
) -> list[int]:
    """Rows of up to `count` different poses on which the student errs, of training and the pool before validation.

    Farthest first in pose (embeddings (n, d)), each distance times the loss. Validation people are shown only where the
    others are too few: they say what scores are worth, and should stay strangers.
    """
    usable = rows & ((known.people.visibility > UNLABELLED).sum(axis=1) >= LEAST_JOINTS)
    first = np.flatnonzero(usable & known.rows_from("train", "pool"))
    chosen = _spread(known, first, count, embeddings)
    if len(chosen) < count:
        chosen += _spread(known, np.flatnonzero(usable & known.rows_from("val")), count - len(chosen), embeddings)
    return chosen


def take_examples(known: ShownPeople, rows: list[int]) -> tuple[People, Images]:
    """These people with their images alone."""
    people = known.people.take(rows)
    images = known.images.take(np.unique(known.images.rows_of(people.image_id)))
    return joined([(people, images)], first_id=0)


def _spread(known: ShownPeople, rows: NDArray[np.int64], count: int, embeddings: NDArray[np.float64]) -> list[int]:
    if not len(rows):
        return []
    scores = np.maximum(known.loss[rows], 1e-3)
    picked = uncertain_and_far(scores, embeddings[rows], count, np.random.default_rng(0))
    return [int(row) for row in rows[picked]]


def _plain(people: People, origin: NDArray[np.str_]) -> People:
    """Without columns that are of no use to a request."""
    columns = {"sha256": people.extras["sha256"].astype(str), ORIGIN: np.asarray(origin).astype(str)}
    return people.replace(extras=columns)
