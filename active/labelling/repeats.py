"""One person labelled more than once: by the same annotator, in the same place or another, or by two annotators.

Nobody is learnt twice. Of an annotator's own labels the last made counts, else the first in the file's order;
`agreement` compares two annotators of the same pictures.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from dataengine.evaluation.ap.oks import person_oks
from dataengine.keypoints import UNLABELLED
from dataengine.people import People

SAME_PX = 0.5
SAME_PERSON_OKS = 0.5
"""Two annotators' labels of one person agree by more than this, on the joints that both have."""


def labelled_again(
    people: People, entry: NDArray[np.int64], at: NDArray[np.str_]
) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """Which people (n,) do not count, since the same annotator labelled them again: in the same place, and elsewhere.

    An answer is the picture's `entry` (n,) in the file and the time `at` (n,) which it states, "" for none. In one
    answer only the very same joints are a repeat: people who stand near each other are two.
    """
    order = np.argsort(-np.unique(at, return_inverse=True)[1], kind="stable")  # the last made first
    answer = np.char.add(np.char.add(entry.astype(str), " "), at)[order]
    later, earlier, left_out = (np.zeros(len(people), dtype=bool) for _ in range(3))
    later[order] = _repeats(people.take(order), _same_joints, same_annotator=True)
    earlier[order[::-1]] = _repeats(people.take(order[::-1]), _same_joints, same_annotator=True)
    left_out[order] = _repeats(people.take(order), _same_person, same_annotator=True, answer=answer)
    left_out |= later
    in_place = later | earlier
    return left_out & in_place, left_out & ~in_place


def labelled_by_another(people: People) -> NDArray[np.bool_]:
    """Which people (n,) an earlier annotator of the same picture labelled, too."""
    return _repeats(people, _same_person, same_annotator=False)


def shares_nobody(one: People, other: People) -> bool:
    """Whether there are people on both sides, and no two of them are the same person."""
    n, m = len(one), len(other)
    pairs = one.take(np.repeat(np.arange(n), m)), other.take(np.tile(np.arange(m), n))
    return n > 0 and m > 0 and not _same_person(*pairs).any()


def _repeats(
    people: People,
    alike: Callable[[People, People], NDArray[np.bool_]],
    *,
    same_annotator: bool,
    answer: NDArray[np.str_] | None = None,
) -> NDArray[np.bool_]:
    """`people` have columns `sha256` and `annotator`; `alike` compares row by row, not within an `answer` (n,)."""
    again = np.zeros(len(people), dtype=bool)
    pictures, names = (people.extras[name].astype(str) for name in ("sha256", "annotator"))
    for picture in np.unique(pictures).tolist():
        rows = np.flatnonzero(pictures == picture)
        first, second = np.triu_indices(len(rows), 1)
        first, second = rows[first], rows[second]
        compared = (names[first] == names[second]) == same_annotator
        if answer is not None:
            compared &= answer[first] != answer[second]
        first, second = first[compared], second[compared]
        same = alike(people.take(first), people.take(second))
        for one, other in zip(first[same], second[same], strict=True):
            again[other] |= not again[one]
    return again


def _same_joints(one: People, other: People) -> NDArray[np.bool_]:
    labelled = one.visibility > UNLABELLED
    apart = np.linalg.norm(one.keypoints_px - other.keypoints_px, axis=2)
    same = np.where(labelled, apart < SAME_PX, True) & (labelled == (other.visibility > UNLABELLED))
    return np.asarray(same.all(axis=1), dtype=bool)


def _same_person(one: People, other: People) -> NDArray[np.bool_]:
    both = np.where(other.visibility > UNLABELLED, one.visibility, UNLABELLED)
    oks = person_oks(replace(one, visibility=both.astype(np.uint8)), other.keypoints_px)
    return np.asarray(oks > SAME_PERSON_OKS, dtype=bool)
