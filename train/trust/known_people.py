"""Labelled people as calibration takes them: paired with the people that were found, and which answers are right."""

from collections.abc import Sequence
from dataclasses import dataclass, fields

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import linear_sum_assignment

from dataengine.boxes import pairwise_iou
from dataengine.evaluation.analysis.image_clusters import units_of
from dataengine.evaluation.ap.oks_formula import joint_similarities
from dataengine.keypoints import COCO_SIGMAS, UNLABELLED
from dataengine.people import Images, People
from dataengine.person_scale import person_area

from ..pseudo.filters import Opinion

# Any real overlap: the box of an answer that is wrong altogether overlaps the label's little, and must count.
LEAST_OVERLAP = 0.1


@dataclass(frozen=True, eq=False)
class KnownPeople:
    """m people with labels and with the opinions of k teachers."""

    opinions: tuple[Opinion, ...]  # of the m people
    size_px: NDArray[np.float64]  # (m, 1) of the boxes that they were found in
    picture_px: NDArray[np.int64]  # (m, 2) width and height of their pictures
    truth: People
    group: NDArray[np.int64]  # (m,) which people are no independent evidence of each other
    sigmas: NDArray[np.float64]  # (17,) of OKS

    def __len__(self) -> int:
        return len(self.truth)

    @property
    def labelled(self) -> NDArray[np.bool_]:
        """(m, 17) joints with a label."""
        return np.asarray(self.truth.visibility > UNLABELLED)

    @property
    def groups(self) -> int:
        """How many groups there are."""
        return len(np.unique(self.group))

    def right(self, keypoints_px: NDArray[np.floating], right_from: float) -> NDArray[np.bool_]:
        """Whether joints (m, 17, 2) have an OKS of their own of `right_from` or more with the label."""
        area = person_area(self.truth)
        similarity = joint_similarities(keypoints_px, self.truth.keypoints_px, area, self.sigmas)
        return np.asarray(similarity >= right_from)

    def take(self, rows: NDArray[np.int64]) -> "KnownPeople":
        """Some of the people."""
        opinions = tuple(
            Opinion(**{f.name: getattr(opinion, f.name)[rows] for f in fields(Opinion)}) for opinion in self.opinions
        )
        columns = (self.size_px[rows], self.picture_px[rows], self.truth.take(rows), self.group[rows])
        return KnownPeople(opinions, *columns, self.sigmas)


def known_people(
    labelled: People,
    images: Images,
    found: People,
    opinions: Sequence[Opinion],
    sigmas: NDArray[np.float64] = COCO_SIGMAS,
) -> KnownPeople:
    """Those of the `labelled` people in `images` who are among the `found`, of whom the `opinions` are."""
    mine, theirs = pair_by_boxes(labelled, found)
    rows = images.rows_of(labelled.image_id[mine])
    sides = found.bbox_xywh_px[theirs, 2:].astype(np.float64)
    every = KnownPeople(
        tuple(opinions),
        np.sqrt(found.bbox_xywh_px[:, 2:].astype(np.float64).prod(axis=1))[:, None],
        np.zeros((len(found), 2), dtype=np.int64),
        found,
        np.zeros(len(found), dtype=np.int64),
        sigmas,
    ).take(theirs)
    return KnownPeople(
        every.opinions,
        np.sqrt(sides.prod(axis=1))[:, None],
        np.stack([images.width[rows], images.height[rows]], axis=1),
        labelled.take(mine),
        groups_of(labelled, images)[mine],
        sigmas,
    )


def groups_of(labelled: People, images: Images) -> NDArray[np.int64]:
    """The group (n,) of each person, as `image_clusters` has it: a scene or recording, else a film, else a picture."""
    if not len(labelled):
        return np.empty(0, dtype=np.int64)
    return np.asarray(units_of(images, "group")[0].clusters[images.rows_of(labelled.image_id)])


def pair_by_boxes(labelled: People, found: People) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Rows of labelled people and of the found ones in the same place: per picture, the greatest total overlap.

    By boxes alone, never by the joints that are to be judged.
    """
    pairs: list[tuple[int, int]] = []
    for image_id in np.unique(labelled.image_id):
        mine, theirs = np.flatnonzero(labelled.image_id == image_id), np.flatnonzero(found.image_id == image_id)
        overlap = pairwise_iou(labelled.bbox_xywh_px[mine], found.bbox_xywh_px[theirs])
        chosen = zip(*linear_sum_assignment(-overlap), strict=True)
        pairs += [(int(mine[i]), int(theirs[j])) for i, j in chosen if overlap[i, j] >= LEAST_OVERLAP]
    rows = np.array(sorted(pairs), dtype=np.int64).reshape(-1, 2)
    return rows[:, 0], rows[:, 1]
