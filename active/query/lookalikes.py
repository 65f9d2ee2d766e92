"""Candidates that show what another picture shows: the same moment in a copy of a film, or a still saved twice.

Copies of a file have one hash, and neighbours in one film are thinned out by time; this finds the rest. Two pictures
show the same if both their looks and their people do: hashes and thumbnails are much closer than those of two pictures
of one place need to be, and each person stands in the same part of the picture. So a fixed camera, whose pictures all
look alike, loses nobody who has moved.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from dataengine.boxes import box_iou
from dataengine.leakage.film_names import film_key
from dataengine.leakage.perceptual_hash import correlations, hamming, perceptual_hashes
from dataengine.leakage.picture_facts import inspect_pictures
from dataengine.people import Images, People

MOST_BITS, LEAST_CORRELATION, LEAST_IOU = 4, 0.98, 0.8
"""Two pictures that differ in encoding and size alone come as close as this, and a box in them hardly moves."""
_BANDS = MOST_BITS + 1  # hashes that differ in fewer bits than there are bands agree in one whole band
_BAND_BITS = 64 // _BANDS


def lookalikes(
    people: People, images: Images, rank: NDArray[np.int64], labelled: tuple[People, Images]
) -> NDArray[np.bool_]:
    """Which of the images (m,) show what a labelled one shows, or one of another film that is ranked before it.

    `rank` (m,) is each image's place, 0 for the one to keep first. Pictures that cannot be read are left to others.
    """
    both_people = [people, labelled[0]]
    both_images = [images, labelled[1]]
    facts = inspect_pictures([path for table in both_images for path in table.path.tolist()])
    readable = np.array([not isinstance(fact, str) for fact in facts], dtype=bool)
    blank = np.zeros((32, 32), np.uint8)
    thumbnails = np.array([blank if isinstance(fact, str) else fact.thumbnail for fact in facts], dtype=np.uint8)
    films = np.array([film_key(video) for table in both_images for video in table.video.tolist()], dtype=str)
    boxes = [box for table, of in zip(both_images, both_people, strict=True) for box in _boxes(of, table)]
    count = len(images)
    place = np.concatenate([rank, np.full(len(labelled[1]), -1)])
    dropped = np.zeros(count, dtype=bool)
    first, second = _alike(thumbnails.reshape(-1, 32, 32), readable, films)
    for one, other in sorted(zip(first.tolist(), second.tolist(), strict=True), key=lambda p: sorted(place[list(p)])):
        keep, drop = (one, other) if place[one] <= place[other] else (other, one)
        if drop >= count or (keep < count and dropped[keep]):
            continue
        dropped[drop] |= _same_people(boxes[keep], boxes[drop])
    return dropped


def _boxes(people: People, images: Images) -> Iterator[NDArray[np.float64]]:
    """The boxes (p, 4) of each image's people as shares of its size."""
    size = np.stack([images.width, images.height, images.width, images.height], axis=1).astype(np.float64)
    rows = images.rows_of(people.image_id)
    shares = people.bbox_xywh_px.astype(np.float64) / size[rows]
    order = np.argsort(rows, kind="stable")
    yield from np.split(shares[order], np.searchsorted(rows[order], np.arange(1, len(images)))) if len(images) else ()


def _same_people(one: NDArray[np.float64], other: NDArray[np.float64]) -> bool:
    """Whether as many people stand in the same places, left to right."""
    if len(one) != len(other):
        return False
    return bool((box_iou(one[np.argsort(one[:, 0])], other[np.argsort(other[:, 0])]) >= LEAST_IOU).all())


def _alike(
    thumbnails: NDArray[np.uint8], readable: NDArray[np.bool_], films: NDArray[np.str_]
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Pairs of pictures of two films that look the same; by bands of their hashes, so not all pairs are compared."""
    hashes = perceptual_hashes(thumbnails)
    found: set[tuple[int, int]] = set()
    for band in range(_BANDS):
        groups: dict[int, list[int]] = defaultdict(list)
        part = (hashes >> np.uint64(band * _BAND_BITS)) & np.uint64((1 << _BAND_BITS) - 1)
        for row in np.flatnonzero(readable).tolist():
            groups[int(part[row])].append(row)
        for rows in groups.values():
            members = np.array(rows)
            for at, row in enumerate(rows[:-1]):
                rest = members[at + 1 :]
                rest = rest[(films[rest] != films[row]) | (films[rest] == "")]
                near = rest[hamming(hashes[rest], hashes[row]) <= MOST_BITS]
                found.update((row, other) for other in near.tolist())
    pairs = np.array(sorted(found), dtype=np.int64).reshape(-1, 2)
    same = correlations(thumbnails, pairs[:, 0], pairs[:, 1]) >= LEAST_CORRELATION
    return pairs[same, 0], pairs[same, 1]
