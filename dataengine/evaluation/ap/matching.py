"""Detections matched to the ground truth once; AP for any weighting of the images from sums.

`Pairs` holds the OKS of every person with every detection of the same image. `Pairs.match` assigns them under any rule
of who is ignored (an area range, a slice), and its `Matches` give AP for any weighting of the images: a bootstrap
resample is one.
"""

from dataclasses import dataclass
from functools import cached_property
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from dataengine.errors import InputError
from dataengine.evaluation.ap import ap_kernels, oks_kernels
from dataengine.evaluation.ap.ap_kernels import Rows
from dataengine.evaluation.ap.poses import Detections, Truths, detections_of, truths_of
from dataengine.evaluation.ap.protocol import COCO, OksProtocol
from dataengine.evaluation.ap.similarity import similarities
from dataengine.people import Images, People

# From this OKS on a detection stands for a person, however badly placed (Ronchi & Perona, ICCV 2017, sect. 3.2).
LOCALIZED_OKS = 0.1
Poses = TypeVar("Poses", Truths, Detections)
Terms = tuple[Rows, Rows, Rows, Rows, Rows, Rows]


@dataclass(frozen=True, eq=False, kw_only=True)
class Matches:
    """Detections of a whole set matched to its ground truth: the terms of AP, before any sum.

    Detections stand in falling order of score, d of them; t OKS thresholds; m images.
    """

    thresholds: NDArray[np.float64]  # (t,) OKS
    recall_points: NDArray[np.float64]  # (101,) where precision is read
    image_id: NDArray[np.int64]  # (m,)
    persons: NDArray[np.int64]  # (m,) ground truth persons that count
    detection: NDArray[np.int64]  # (d,) row of the detections that were given
    detection_image: NDArray[np.int64]  # (d,) row of `image_id`
    score: NDArray[np.float64]  # (d,)
    person: NDArray[np.int32]  # (t, d) row of the ground truth it is matched to, -1 for none
    is_true: NDArray[np.bool_]  # (t, d) matched to a person that counts
    is_false: NDArray[np.bool_]  # (t, d) matched to nobody; neither true nor false where an ignored person was hit

    def terms(self, group: NDArray[np.int64] | None = None) -> Terms:
        """`group` to `ignored_start` of `ap_kernels.envelope`, for detections in groups (d,); by default by image.

        Detections that are ignored at every threshold are left out: on a small slice that is most of them.
        """
        group = self.detection_image if group is None else group
        counting, true_at, true_start, ignored_at, ignored_start = self._events
        rows = group[counting].astype(np.uint32)
        return rows, true_at, rows[true_at], true_start, ignored_at, ignored_start

    @cached_property
    def _events(self) -> tuple[NDArray[np.int64], Rows, Rows, Rows, Rows]:
        """Columns that count at some threshold, and what is true and ignored among those."""
        counts = self.is_true | self.is_false
        counting = np.flatnonzero(counts.any(axis=0))
        return counting, *_positions(self.is_true[:, counting]), *_positions(~counts[:, counting])


@dataclass(frozen=True, eq=False, kw_only=True)
class Pairs:
    """Every person of a set with every detection of the same image that counts."""

    protocol: OksProtocol
    image_id: NDArray[np.int64]  # (m,)
    truths: Truths  # image by image
    detections: Detections  # image by image, in each the best score first, at most `max_detections`
    truth_row: NDArray[np.int64]  # (n,) where each of `truths` stood in what was given
    detection_row: NDArray[np.int64]  # (d,) likewise
    truth_start: NDArray[np.int64]  # (m + 1,) first of `truths` of each image
    detection_start: NDArray[np.int64]  # (m + 1,)
    pair_start: NDArray[np.int64]  # (m + 1,) first of `oks` of each image
    oks: NDArray[np.float64]  # (p,)
    given: int  # number of detections passed to `pair_up`, including those beyond `max_detections`

    def match(self, *, people: NDArray[np.bool_] | None = None, images: NDArray[np.bool_] | None = None) -> Matches:
        """Assign detections to people at every threshold, as `COCOeval.evaluateImg` does.

        Args:
            people: Who counts (n,), in the order given to `pair_up`, by default everyone; the rest is ignored.
            images: Where (m,) a detection that matches nobody is false, by default everywhere.
        """
        ignored, excused = self.truths.ignored, np.zeros(len(self.detections), dtype=bool)
        if people is not None:
            ignored = ignored | ~people[self.truth_row]
        if images is not None:
            excused = ~images[self.detections.image]
        return self._match(ignored, excused)

    def match_area(self, name: str) -> Matches:
        """Match within one of the protocol's area ranges: a detection outside of it is nowhere false."""
        low, high = self.protocol.areas[name]
        outside = [(poses.area < low) | (poses.area > high) for poses in (self.truths, self.detections)]
        return self._match(self.truths.ignored | outside[0], outside[1])

    def assign(self, threshold: float) -> "Assignment":
        """Assign detections to people at a single OKS threshold."""
        person = self._persons(self.truths.ignored, np.array([threshold]))[0]
        hit = person >= 0
        image = self.detections.image[hit]
        within = np.flatnonzero(hit) - self.detection_start[image]
        pair = self.pair_start[image] + within * np.diff(self.truth_start)[image]
        oks = np.zeros(len(person))
        oks[hit] = self.oks[pair + person[hit] - self.truth_start[image]]
        return Assignment(
            detection=self.detection_row,
            person=np.where(hit, self.truth_row[person], -1),
            oks=oks,
            is_ignored=hit & self.truths.ignored[person],
        )

    def _match(self, ignored: NDArray[np.bool_], excused: NDArray[np.bool_]) -> Matches:
        person = self._persons(ignored, self.protocol.thresholds)
        order = np.argsort(-self.detections.score, kind="stable")
        person, excused = person[:, order], excused[order]
        hit = person >= 0
        return Matches(
            thresholds=self.protocol.thresholds,
            recall_points=self.protocol.recall_points,
            image_id=self.image_id,
            persons=np.bincount(self.truths.image[~ignored], minlength=len(self.image_id)),
            detection=self.detection_row[order],
            detection_image=self.detections.image[order],
            score=self.detections.score[order],
            person=np.where(hit, self.truth_row[person], -1).astype(np.int32),
            is_true=hit & ~ignored[person],
            is_false=~hit & ~excused,
        )

    def _persons(self, ignored: NDArray[np.bool_], thresholds: NDArray[np.float64]) -> NDArray[np.int32]:
        """Row of `truths` (t, d) that each of `detections` is matched to, -1 for none."""
        person = np.empty((len(thresholds), len(self.detections)), dtype=np.int32)
        oks_kernels.match(
            self.oks,
            self.truth_start,
            self.detection_start,
            self.pair_start,
            ignored,
            self.truths.crowd,
            thresholds,
            person,
        )
        return person


@dataclass(frozen=True, eq=False)
class Assignment:
    """Detections, at most `max_detections` of an image, and whom each stands for at one OKS threshold."""

    detection: NDArray[np.int64]  # (d,) row of the detections that were given
    person: NDArray[np.int64]  # (d,) row of the ground truth that was given, -1 for nobody
    oks: NDArray[np.float64]  # (d,) with that person, 0 for nobody
    is_ignored: NDArray[np.bool_]  # (d,) whether that person is ignored


def pair_up(truths: Truths, detections: Detections, image_id: NDArray[np.int64], protocol: OksProtocol = COCO) -> Pairs:
    """Sort by image, keep each image's best detections and compute every OKS.

    Raises:
        InputError: nobody is labelled, the number of joints is not that of `protocol.sigmas`, or a score is not finite.
    """
    if not len(truths):
        raise InputError("nobody to evaluate on", expected="at least one labelled person", got="0")
    for poses in (truths, detections):
        if poses.keypoints_px.shape[1] != protocol.joints:
            got = f"{poses.keypoints_px.shape[1]} joints"
            raise InputError("poses do not fit the sigmas", expected=f"{protocol.joints} joints", got=got)
    if not np.isfinite(detections.score).all():
        raise InputError("a detection's score is not finite", fix="drop it or give it a score")
    given = len(detections)
    truth_row = np.argsort(truths.image, kind="stable")
    detection_row = _best_of_each_image(detections, protocol.max_detections)
    truths, detections = _taken(truths, truth_row), _taken(detections, detection_row)
    truth_start = oks_kernels.starts(truths.image, len(image_id))
    detection_start = oks_kernels.starts(detections.image, len(image_id))
    pairs = np.diff(truth_start) * np.diff(detection_start)
    pair_start = np.concatenate([[0], np.cumsum(pairs)])
    oks = similarities(
        truths,
        detections,
        protocol,
        truth_start=truth_start,
        detection_start=detection_start,
        pair_start=pair_start,
    )
    return Pairs(
        protocol=protocol,
        image_id=image_id,
        truths=truths,
        detections=detections,
        truth_row=truth_row,
        detection_row=detection_row,
        truth_start=truth_start,
        detection_start=detection_start,
        pair_start=pair_start,
        oks=oks,
        given=given,
    )


def paired(gt: People, images: Images, detections: People, protocol: OksProtocol = COCO) -> Pairs:
    """`pair_up` of `People`. Raises: see `truths_of`, `detections_of` and `pair_up`."""
    truths, image_id = truths_of(gt, images)
    return pair_up(truths, detections_of(detections, images, image_id), image_id, protocol)


def precision_table(matches: Matches, image_weight: NDArray[np.floating[Any]] | None = None) -> NDArray[np.float64]:
    """Precision (t, r) at each threshold and recall point when each image counts `image_weight` (m,) times.

    Zero beyond the recall that is reached, and everywhere where no weighted image holds a person.
    """
    weight = np.ones(len(matches.image_id)) if image_weight is None else np.asarray(image_weight, dtype=np.float64)
    table = np.zeros((len(matches.thresholds), len(matches.recall_points)))
    persons = float(weight @ matches.persons)
    if persons > 0 and len(matches.detection):
        needed = np.empty(len(matches.recall_points))
        ap_kernels.needed_weight(matches.recall_points, persons, needed)
        scratch = np.empty(len(matches.detection))
        ap_kernels.envelope(weight, *matches.terms(), needed, scratch, table)
    return table


def average_precision(matches: Matches, image_weight: NDArray[np.floating[Any]] | None = None) -> float:
    """AP over all thresholds when each image counts `image_weight` (m,) times; by default once.

    With whole weights the value is pycocotools' on the set in which each image is repeated that often: a detection's
    copies are neighbours in the score order, and only the last of them sets the envelope. (Where two detections of one
    image have the same score, their order among the copies is a convention.) 0 where every weighted image is empty.
    """
    return float(precision_table(matches, image_weight).mean())


def recall_reached(matches: Matches, image_weight: NDArray[np.floating[Any]] | None = None) -> NDArray[np.float64]:
    """Share (t,) of the people that count who are found at all at each threshold; its mean is COCO's AR."""
    weight = np.ones(len(matches.image_id)) if image_weight is None else np.asarray(image_weight, dtype=np.float64)
    persons = float(weight @ matches.persons)
    found = matches.is_true @ weight[matches.detection_image]
    return found / persons if persons > 0 else np.zeros(len(matches.thresholds))


def _best_of_each_image(detections: Detections, most: int) -> NDArray[np.int64]:
    """Rows image by image, in each by falling score; equal scores keep their order. At most `most` of an image."""
    order = np.lexsort((-detections.score, detections.image))
    image = detections.image[order]
    rank = np.arange(len(order)) - np.searchsorted(image, image)
    return order[rank < most]


def _taken(poses: Poses, rows: NDArray[np.int64]) -> Poses:
    return type(poses)(**{name: column[rows] for name, column in vars(poses).items()})


def _positions(flags: NDArray[np.bool_]) -> tuple[Rows, Rows]:
    """Columns that are set, row after row, and where each row begins."""
    rows, columns = np.nonzero(flags)
    return columns.astype(np.uint32), oks_kernels.starts(rows, len(flags)).astype(np.uint32)
