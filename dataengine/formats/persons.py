"""Persons as a source states them, collected one by one until they become `People`.

`Persons.add` judges one record and raises `Reject`; mapping to COCO-17 is done once, for all of them.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dataengine.boxes import box_from_keypoints, clip_boxes
from dataengine.columns import json_column
from dataengine.geometry.pixel_grid import to_corner
from dataengine.keypoints import UNLABELLED
from dataengine.people import People
from dataengine.person_scale import (
    AREA,
    AREA_FROM,
    BOX,
    DECIMALS,
    GIVEN,
    JOINTS,
    area_of_boxes,
    area_of_joints,
    is_origin,
)

from .pictures import Picture, image_table
from .reading.content import LARGEST_COORDINATE, NO_JOINTS, BadRecord, ReaderNotes, SourceContent, is_finite, need
from .reading.joints import JointMap

OUTSIDE_TOLERANCE_PX = 0.5  # a file whose pixels count from 1, or from the corner, has joints on the far edge
OWN_COLUMNS = frozenset({"image_id", "source_id", "source_image_id", "area", "area_from"})
OUTSIDE = "joints outside the image"
MOST_CATEGORIES, FURTHER = 20, "further categories"  # a set of objects may have thousands


class Persons:
    """Collects the persons of one source."""

    def __init__(self, joints: JointMap, *, outside_is_dropped: bool = False) -> None:
        """`outside_is_dropped`: joints outside the image are unlabelled (and counted) and the record is kept:
        right for sources whose annotators guessed where a cut-off joint would be."""
        self._joints = joints
        self._outside_is_dropped = outside_is_dropped
        self._triples: list[NDArray[np.float64]] = []
        self._boxes: list[Sequence[float] | NDArray[Any]] = []
        self._columns: list[dict[str, Any]] = []
        self.passed_over: Counter[str] = Counter()
        self.other_categories: Counter[str] = Counter()
        self.assumed: Counter[str] = Counter()
        self.dropped_joints: Counter[str] = Counter()
        self.dropped_fields: Counter[str] = Counter()

    def add(
        self,
        picture: Picture,
        triples: NDArray[np.float64],
        box: Any,
        *,
        source_id: int | str,
        unread: Sequence[str] = (),
        columns: Mapping[str, Any] | None = None,
    ) -> None:
        """Add a person, or pass it over for want of joints; raises `Reject` when the record is bad.

        Args:
            triples: (joints of the source, 3) x, y in pixels, the first pixel's centre 0, COCO visibility flag; a joint
                of flag 0 has no place, whatever its x and y are.
            box: x, y, width, height as written; None where the format states none.
            unread: names of the record's fields that are not read.
            columns: `area`, `track_id`, `score`, `weight`, `source`, or extras; by name.
        """
        triples = np.where(triples[:, 2:] > UNLABELLED, triples, 0.0)
        # of NaN and infinity this is false, too
        need(bool((np.abs(triples[:, :2]) < LARGEST_COORDINATE).all()), "a keypoint is not a finite number")
        if box is not None:
            need(isinstance(box, list | tuple) and len(box) == 4 and all(map(is_finite, box)), _NO_BOX)
            x, y, width, height = box
            need(width > 0 and height > 0, f"the box is empty: {width:g} x {height:g}")
            crosses = x < picture.width and y < picture.height and x + width > 0 and y + height > 0
            need(crosses, "the box lies outside the image")
        triples = self._without_outside(picture, triples)
        if not (triples[self._joints.rows, 2] > UNLABELLED).any():
            self.pass_over(NO_JOINTS)
            return
        self._triples.append(triples)
        self._boxes.append(box if box is not None else _box_of(triples, picture))
        own = {"image_id": picture.id, "source_id": source_id, "source_image_id": picture.key}
        self._columns.append({**(columns or {}), **_scale(columns or {}, triples, box), **own})
        self.dropped_fields.update(unread)

    @property
    def joints(self) -> JointMap:
        """The source's joints."""
        return self._joints

    @property
    def without_labels(self) -> int:
        """Annotations passed over so far."""
        return self.passed_over.total()

    def pass_over(self, kind: str, category: str = "") -> None:
        """Count an annotation that is valid but holds nothing to learn from: a key of PASSED_OVER, what it is of."""
        self.passed_over[kind] += 1
        if category:
            self.other_categories[category] += 1

    def add_unlabelled(self) -> None:
        """Count a person without joints."""
        self.pass_over(NO_JOINTS)

    def assume(self, what: str) -> None:
        """Count a record that was read by something that the file does not say."""
        self.assumed[what] += 1

    def content(self, pictures: Sequence[Picture], bad: list[BadRecord], records: int) -> SourceContent:
        """Everything collected, with the source's images."""
        triples = np.array(self._triples, dtype=np.float64).reshape(-1, len(self._joints), 3)
        return SourceContent(
            people=self._people(self._joints.to_coco(triples)),
            images=image_table(pictures),
            bad=bad,
            records=records,
            notes=self._notes(),
            dropped_joints=dict(sorted((self._joints.dropped(triples) | self.dropped_joints).items())),
            dropped_fields=dict(sorted(self.dropped_fields.items())),
        )

    def _notes(self) -> ReaderNotes:
        named = dict(self.other_categories.most_common(MOST_CATEGORIES))
        rest = self.other_categories.total() - sum(named.values())
        named |= {FURTHER: rest} if rest else {}
        return ReaderNotes(dict(sorted(self.passed_over.items())), named, dict(sorted(self.assumed.items())))

    def _without_outside(self, picture: Picture, triples: NDArray[np.float64]) -> NDArray[np.float64]:
        corner, size = to_corner(triples[:, :2]), (picture.width, picture.height)
        outside = ((corner < -OUTSIDE_TOLERANCE_PX) | (corner > np.add(size, OUTSIDE_TOLERANCE_PX))).any(axis=1)
        outside &= triples[:, 2] > UNLABELLED
        if not outside.any():
            return triples
        need(self._outside_is_dropped, "a labelled joint lies outside the image")
        number = int(outside[self._joints.rows].sum())
        if number:
            self.dropped_joints[OUTSIDE] += number
        return np.where(outside[:, None], 0.0, triples)

    def _people(self, mapped: NDArray[np.float64]) -> People:
        names = sorted({name for columns in self._columns for name in columns} | OWN_COLUMNS)
        table = {name: [columns.get(name) for columns in self._columns] for name in names}
        boxes = np.array(self._boxes, dtype=np.float64).reshape(-1, 4)
        fields = {name: table.pop(name) for name in ("score", "weight", "source", "track_id") if name in table}
        image_id = np.array(table.pop("image_id"), dtype=np.int64)
        return People.build(
            image_id=image_id,
            bbox_xywh_px=boxes,
            keypoints_px=np.where(mapped[..., 2:] > UNLABELLED, mapped[..., :2], 0.0),
            visibility=mapped[..., 2],
            **fields,  # type: ignore[arg-type]
            extras={name: json_column(values) for name, values in table.items()},
        )


_NO_BOX = "bbox is not four finite numbers"


def _scale(columns: Mapping[str, Any], triples: NDArray[np.float64], box: Any) -> dict[str, Any]:
    """Area and where it is from: the record's; without one 0.53 of its box; without that of all the source's joints."""
    area: Any = columns.get(AREA)
    origin = columns.get(AREA_FROM)
    if is_finite(area) and area > 0:
        return {AREA: float(area), AREA_FROM: origin if is_origin(origin) else GIVEN}
    if box is not None:
        return {AREA: round(float(area_of_boxes(np.array(box))), DECIMALS), AREA_FROM: BOX}
    of_joints = area_of_joints(triples[None, :, :2], triples[None, :, 2].astype(int))[0]
    return {AREA: round(float(of_joints), DECIMALS), AREA_FROM: JOINTS}


def _box_of(triples: NDArray[np.float64], picture: Picture) -> NDArray[np.float64]:
    """The box around all joints of the source, head top and neck included; cut to the image."""
    box = box_from_keypoints(triples[None, :, :2], triples[None, :, 2].astype(int))[0]
    return clip_boxes(box, (picture.width, picture.height), least_px=1)
