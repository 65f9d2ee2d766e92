"""AP of a part of the set: of some people, or of some images, each with its interval and its size.

`Slice` names the part, `slice_matches` matches within it, `compare_slices` gives every slice's figures and intervals
for one model or for two on the same draws. `slice_builders.py` makes the usual slices.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from dataengine.errors import InputError
from dataengine.evaluation.bootstrap import Interval, Resampled, draw_ap, effective_clusters
from dataengine.evaluation.matching import Matches, Pairs, average_precision
from dataengine.people import Images


@dataclass(frozen=True, eq=False)
class Slice:
    """Some people of a set.

    Who is not of the slice is ignored, as COCO ignores people of another size: to find them is no gain and no fault. A
    detection that matches nobody cannot be told to be of a slice, so it is false in the slice's images and counts
    nowhere else: in every image that holds somebody of the slice, or, for a slice of images, in exactly those.
    Slice AP is therefore below AP where few people of an image are of the slice; it is to be compared between models.
    """

    name: str  # unique in a list of slices, such as "size=medium"
    people: NDArray[np.bool_]  # (n,) rows of the ground truth
    images: NDArray[np.bool_]  # (m,) rows of the image table


@dataclass(frozen=True, eq=False)
class SliceResult:
    """How one model, or a first and a second, do on a slice."""

    name: str
    people: int  # that count: labelled and no crowd
    images: int  # that hold them
    clusters: float  # effective number, see `effective_clusters`; few make wide intervals
    first: Interval
    second: Interval | None
    difference: Interval | None  # first minus second
    gain: Resampled | None  # what `difference` was read from: ask it for any other quantile


def slice_of_people(name: str, people: NDArray[np.bool_], person_image: NDArray[np.int64], images: int) -> Slice:
    """The slice of `people` (n,), false detections counting in the images that hold them.

    Args:
        name: Of the slice.
        people: Who is of it.
        person_image: Row (n,) of each person's image in the image table.
        images: Rows of that table.
    """
    return Slice(name, people, np.bincount(person_image[people], minlength=images) > 0)


def slice_matches(pairs: Pairs, images: Images, part: Slice) -> Matches:
    """Match within a slice. `images` is the table that the slice's rows are of.

    Raises:
        InputError: the slice is of another set.
    """
    if len(part.people) != len(pairs.truths) or len(part.images) != len(images):
        expected = f"masks over {len(pairs.truths)} people and {len(images)} images"
        got = f"{len(part.people)} and {len(part.images)}"
        raise InputError(f"slice {part.name!r} is of another set", expected=expected, got=got)
    return pairs.match(people=part.people, images=part.images[images.rows_of(pairs.image_id)])


def compare_slices(
    slices: Sequence[Slice],
    images: Images,
    clusters: NDArray[np.int64],
    first: Pairs,
    second: Pairs | None = None,
    *,
    resamples: int,
    level: float,
    rng: np.random.Generator,
) -> list[SliceResult]:
    """Each slice's AP and its interval, and the gain of `first` over `second` where there is one.

    All intervals are read from the same draws of clusters. `clusters` (m,) follows `images`. Slices in which nobody
    counts are left out.
    """
    rows = images.rows_of(first.image_id)
    models = [first] if second is None else [first, second]
    matched = [[slice_matches(pairs, images, part) for pairs in models] for part in slices]
    peopled = [(part, matches) for part, matches in zip(slices, matched, strict=True) if matches[0].persons.any()]
    every = [matches for _, each in peopled for matches in each]
    draws = draw_ap(every, clusters[rows], resamples=resamples, rng=rng) if every else np.empty((resamples, 0))
    return [
        _result(part, matches, draws[:, at : at + len(models)], clusters[rows], level)
        for at, (part, matches) in zip(range(0, len(every), len(models)), peopled, strict=True)
    ]


def _result(
    part: Slice, matches: Sequence[Matches], draws: NDArray[np.float64], clusters: NDArray[np.int64], level: float
) -> SliceResult:
    effective = effective_clusters(matches[0], clusters)
    each = [Resampled.of(average_precision(m), draws[:, k], effective) for k, m in enumerate(matches)]
    gain = None
    if len(each) > 1:
        gain = Resampled.of(each[0].value - each[1].value, draws[:, 0] - draws[:, 1], effective)
    return SliceResult(
        name=part.name,
        people=int(matches[0].persons.sum()),
        images=int(np.count_nonzero(matches[0].persons)),
        clusters=effective,
        first=each[0].interval(level),
        second=each[1].interval(level) if len(each) > 1 else None,
        difference=None if gain is None else gain.interval(level),
        gain=gain,
    )
