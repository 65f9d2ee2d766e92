"""The same people in two labelled sets: pictures by the content of their files, people by their boxes."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import linear_sum_assignment

from dataengine.boxes import pairwise_iou
from dataengine.files import sha256_file
from dataengine.people import Images, People
from dataengine.terminal.progress import track

LEAST_IOU = 0.3  # of two boxes about one person; loose, because a wrong limb moves the box


@dataclass(frozen=True, eq=False)
class Pairing:
    """Who is who in two sets of labels, n people found in both."""

    first: NDArray[np.int64]
    """(n,) rows of the first set's people."""
    second: NDArray[np.int64]
    """(n,) rows of the second set's people."""
    picture: NDArray[np.int64]
    """(n,) number of the picture they stand in, from 0."""
    alone: tuple[int, int]
    """People of shared pictures whom only the first set has, and only the second."""
    pictures: int
    """Pictures that both sets have."""


def pair_people(first: tuple[People, Images], second: tuple[People, Images]) -> Pairing:
    """Pair the people of pictures that both sets hold, as whole pictures, so that the boxes' overlap is greatest.

    Pictures are the same if their files are, byte by byte, whatever they are called (a name that repeats within a set
    says nothing). People whose boxes overlap by less than `LEAST_IOU` are not the same.
    """
    of_first, of_second = (_rows_by_content(*labelled) for labelled in (first, second))
    shared = sorted(set(of_first) & set(of_second))
    pairs: list[tuple[int, int, int]] = []
    for picture, content in enumerate(shared):
        pairs += [(a, b, picture) for a, b in _paired(first[0], of_first[content], second[0], of_second[content])]
    table = np.array(pairs, dtype=np.int64).reshape(-1, 3)
    counts = [sum(len(rows[content]) for content in shared) for rows in (of_first, of_second)]
    alone = (counts[0] - len(table), counts[1] - len(table))
    return Pairing(table[:, 0], table[:, 1], table[:, 2], alone, len(shared))


def _rows_by_content(people: People, images: Images) -> dict[str, NDArray[np.int64]]:
    """Rows of the people in each picture, by the hash of its file. A picture that stands there twice is left out."""
    keys = [sha256_file(Path(str(path))) for path in track(images.path, "hash images", unit="image")]
    once = {key for key, count in Counter(keys).items() if count == 1}
    of_person = np.array(keys, dtype="<U64")[images.rows_of(people.image_id)]
    return {key: np.flatnonzero(of_person == key) for key in once}


def _paired(
    first: People, rows: NDArray[np.int64], second: People, others: NDArray[np.int64]
) -> Sequence[tuple[int, int]]:
    overlap = pairwise_iou(first.bbox_xywh_px[rows], second.bbox_xywh_px[others])
    ours, theirs = linear_sum_assignment(-overlap)
    same = overlap[ours, theirs] >= LEAST_IOU
    return list(zip(rows[ours[same]].tolist(), others[theirs[same]].tolist(), strict=True))
