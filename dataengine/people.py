"""`People` and `Images`: the one value that flows between stages.

`People` is a struct of arrays over annotated persons; `Images` is the table of the pictures they stand in.
Both check themselves when made, so that no stage has to ask whether its input makes sense.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, fields, replace
from typing import Any, Literal, Self, get_args

import numpy as np
from numpy.typing import ArrayLike, NDArray

from dataengine.columns import as_column, stacked
from dataengine.errors import InputError
from dataengine.keypoints import COCO_KEYPOINTS, OCCLUDED, UNLABELLED, VISIBLE

Source = Literal["real", "synthetic", "pseudo"]
SOURCES: tuple[Source, ...] = get_args(Source)
SOURCE_DTYPE = np.dtype(f"<U{max(map(len, SOURCES))}")
JOINTS = len(COCO_KEYPOINTS)
JOINT_CONFIDENCE = "joint_confidence"
"""Extra column (n, 17) of predicted people: how sure the network is of each joint, 0..1."""


def _check(name: str, value: Any, shape: tuple[int, ...], dtype: Any) -> None:
    if not isinstance(value, np.ndarray) or value.shape != shape or value.dtype != np.dtype(dtype):
        got = f"{value.dtype} {value.shape}" if isinstance(value, np.ndarray) else type(value).__name__
        expected = f"an array of {np.dtype(dtype)} {shape}"
        raise InputError(
            f"{name} is malformed", expected=expected, got=got, fix="use People.build(), which casts and broadcasts"
        )
    if value.dtype.kind == "f" and not np.isfinite(value).all():
        bad = int(np.argwhere(~np.isfinite(value))[0][0])
        raise InputError(f"{name} has a value that is not finite", got=f"row {bad}", fix="drop or repair that record")


@dataclass(frozen=True, eq=False, kw_only=True)
class People:
    """Annotated or predicted persons. The first axis of every field is the person, n of them.

    x grows right, y grows down. The centre of the top left pixel is the joint coordinate (0, 0), so that an image of
    width w reaches from -0.5 to w - 0.5; boxes speak of the pixels' edges: the whole image is (0, 0, w, h). Both are
    COCO's ways, see `dataengine.geometry.pixel_grid`.
    """

    image_id: NDArray[np.int64]  # (n,)
    bbox_xywh_px: NDArray[np.float32]  # (n, 4), edges of pixels
    keypoints_px: NDArray[np.float32]  # (n, 17, 2), centres of pixels, order of COCO_KEYPOINTS
    visibility: NDArray[np.uint8]  # (n, 17): 0 not labelled, 1 labelled but occluded, 2 visible
    score: NDArray[np.float32]  # (n,) confidence of a prediction, 1 for a label
    weight: NDArray[np.float32]  # (n,) trust in training, not negative
    source: NDArray[np.str_]  # (n,) one of SOURCES
    track_id: NDArray[np.int64]  # (n,) identity along a video, -1 for none
    extras: Mapping[str, NDArray[Any]] = field(default_factory=dict)  # further columns, each of length n

    def __post_init__(self) -> None:
        n = len(self.image_id)
        _check("image_id", self.image_id, (n,), np.int64)
        _check("bbox_xywh_px", self.bbox_xywh_px, (n, 4), np.float32)
        _check("keypoints_px", self.keypoints_px, (n, JOINTS, 2), np.float32)
        _check("visibility", self.visibility, (n, JOINTS), np.uint8)
        _check("score", self.score, (n,), np.float32)
        _check("weight", self.weight, (n,), np.float32)
        _check("source", self.source, (n,), SOURCE_DTYPE)
        _check("track_id", self.track_id, (n,), np.int64)
        for name, column in self.extras.items():
            if len(column) != n:
                raise InputError(f"extra column {name!r} is malformed", expected=f"{n} rows", got=f"{len(column)}")
        if n and self.visibility.max() > VISIBLE:
            raise InputError("visibility is out of range", expected="0, 1 or 2", got=str(int(self.visibility.max())))
        if n and (self.bbox_xywh_px[:, 2:] < 0).any():
            raise InputError("a box has a negative size", expected="x, y, width, height", fix="check the box format")
        if n and self.weight.min() < 0:
            raise InputError("a weight is negative", expected="0 or more", got=f"{self.weight.min():g}")
        unknown = sorted(set(self.source.tolist()) - set(SOURCES))
        if unknown:
            raise InputError("source is unknown", expected=" | ".join(SOURCES), got=", ".join(unknown))

    @classmethod
    def build(
        cls,
        *,
        image_id: ArrayLike,
        bbox_xywh_px: ArrayLike,
        keypoints_px: ArrayLike,
        visibility: ArrayLike,
        score: ArrayLike = 1.0,
        weight: ArrayLike = 1.0,
        source: ArrayLike = "real",
        track_id: ArrayLike = -1,
        extras: Mapping[str, ArrayLike] | None = None,
    ) -> Self:
        """Make a `People` from anything numpy can cast; scalars are repeated for every person.

        >>> joints = np.zeros((2, JOINTS, 2))
        >>> people = People.build(
        ...     image_id=[7, 9], bbox_xywh_px=np.ones((2, 4)), keypoints_px=joints, visibility=[[2] * 17, [0] * 17]
        ... )
        >>> len(people), people.source.tolist(), people.take(people.visibility.any(axis=1)).image_id.tolist()
        (2, ['real', 'real'], [7])
        """
        ids = np.atleast_1d(np.asarray(image_id, dtype=np.int64))
        n = len(ids)

        def column(value: ArrayLike, dtype: Any) -> NDArray[Any]:
            return np.ascontiguousarray(np.broadcast_to(np.asarray(value, dtype=dtype), (n,)))

        return cls(
            image_id=ids,
            bbox_xywh_px=np.asarray(bbox_xywh_px, dtype=np.float32).reshape(n, 4),
            keypoints_px=np.asarray(keypoints_px, dtype=np.float32).reshape(n, JOINTS, 2),
            visibility=_as_flags(visibility).reshape(n, JOINTS),
            score=column(score, np.float32),
            weight=column(weight, np.float32),
            source=column(np.asarray(source, dtype=str), SOURCE_DTYPE),
            track_id=column(track_id, np.int64),
            extras={name: as_column(values, n) for name, values in (extras or {}).items()},
        )

    @classmethod
    def empty(cls) -> Self:
        """No person at all."""
        none = np.empty(0)
        return cls.build(image_id=none, bbox_xywh_px=none, keypoints_px=none, visibility=none)

    def __len__(self) -> int:
        return len(self.image_id)

    def take(self, rows: ArrayLike) -> Self:
        """Rows by index or boolean mask, in the order given; an index may repeat."""
        index = np.asarray(rows)
        index = index if index.size else index.astype(np.int64)
        columns = {f.name: getattr(self, f.name)[index] for f in fields(self) if f.name != "extras"}
        return type(self)(**columns, extras={name: column[index] for name, column in self.extras.items()})

    def replace(self, **changes: Any) -> Self:
        """A copy with some fields exchanged, checked again."""
        return replace(self, **changes)

    def with_extra(self, name: str, values: ArrayLike) -> Self:
        """A copy with one more (or exchanged) extra column."""
        return replace(self, extras={**self.extras, name: as_column(values, len(self))})

    @classmethod
    def concat(cls, parts: Iterable[People]) -> Self:
        """All persons of `parts` in order. Extra columns that some part lacks are filled with None."""
        chunks = list(parts)
        if not chunks:
            return cls.empty()
        columns = {
            f.name: np.concatenate([getattr(p, f.name) for p in chunks]) for f in fields(cls) if f.name != "extras"
        }
        names = sorted({name for part in chunks for name in part.extras})
        lengths = [*map(len, chunks)]
        extras = {name: stacked([part.extras.get(name) for part in chunks], lengths) for name in names}
        return cls(**columns, extras=extras)


def _as_flags(visibility: ArrayLike) -> NDArray[np.uint8]:
    """Visibility as bytes; a cast alone would turn 2.7 or NaN into a valid flag."""
    flags = np.asarray(visibility)
    if not np.isin(flags, (UNLABELLED, OCCLUDED, VISIBLE)).all():
        got = str(flags[~np.isin(flags, (UNLABELLED, OCCLUDED, VISIBLE))][0])
        raise InputError("visibility is out of range", expected="0, 1 or 2", got=got)
    return flags.astype(np.uint8)


@dataclass(frozen=True, eq=False, kw_only=True)
class Images:
    """The pictures that people stand in, m of them."""

    id: NDArray[np.int64]  # (m,) unique
    path: NDArray[np.str_]  # (m,) usable from the working folder
    width: NDArray[np.int64]  # (m,) pixels
    height: NDArray[np.int64]  # (m,) pixels
    video: NDArray[np.str_]  # (m,) which video a frame is of, "" for none
    frame: NDArray[np.int64]  # (m,) frame index in that video, -1 for none
    time_s: NDArray[np.float64]  # (m,) when the video shows that frame, NaN where unknown
    group: NDArray[np.str_]  # (m,) what was taken together: a scene, a recording; "" where nothing is known of it

    def __post_init__(self) -> None:
        m = len(self.id)
        for f in fields(self):
            if getattr(self, f.name).shape != (m,):
                raise InputError(
                    f"images.{f.name} is malformed", expected=f"({m},)", got=f"{getattr(self, f.name).shape}"
                )
        ids, counts = np.unique(self.id, return_counts=True)
        if (counts > 1).any():
            raise InputError("image ids repeat", expected="unique ids", got=f"id {ids[counts > 1][0]} more than once")

    @classmethod
    def build(
        cls,
        *,
        id: ArrayLike,
        path: ArrayLike,
        width: ArrayLike,
        height: ArrayLike,
        video: ArrayLike = "",
        frame: ArrayLike = -1,
        time_s: ArrayLike = np.nan,
        group: ArrayLike = "",
    ) -> Self:
        """Make a table from anything numpy can cast; scalars are repeated for every image."""
        ids = np.atleast_1d(np.asarray(id, dtype=np.int64))

        def column(value: ArrayLike, dtype: Any) -> NDArray[Any]:
            return np.ascontiguousarray(np.broadcast_to(np.asarray(value, dtype=dtype), ids.shape))

        return cls(
            id=ids,
            path=column([str(p) for p in np.asarray(path, dtype=object).ravel()], str),
            width=column(width, np.int64),
            height=column(height, np.int64),
            video=column(video, str),
            frame=column(frame, np.int64),
            time_s=column(time_s, np.float64),
            group=column(group, str),
        )

    def __len__(self) -> int:
        return len(self.id)

    def take(self, rows: ArrayLike) -> Self:
        """Rows by index or boolean mask."""
        index = np.asarray(rows)
        index = index if index.size else index.astype(np.int64)
        return type(self)(**{f.name: getattr(self, f.name)[index] for f in fields(self)})

    def replace(self, **changes: ArrayLike) -> Self:
        """A copy with some columns exchanged, cast and checked again; a scalar is repeated for every image."""
        return self.build(**{f.name: getattr(self, f.name) for f in fields(self)} | changes)

    @classmethod
    def concat(cls, parts: Iterable[Images]) -> Self:
        """All images of `parts` in order; ids must stay unique."""
        chunks = list(parts)
        return cls(**{f.name: np.concatenate([getattr(p, f.name) for p in chunks]) for f in fields(cls)})

    def rows_of(self, image_ids: ArrayLike) -> NDArray[np.int64]:
        """The row of each image id; an unknown id is an `InputError`."""
        wanted_ids = np.asarray(image_ids, dtype=np.int64)
        if not len(self):
            if wanted_ids.size:
                raise InputError("image id is unknown", got=f"id {wanted_ids.flat[0]} and no images")
            return wanted_ids
        order = np.argsort(self.id)
        position = np.minimum(np.searchsorted(self.id[order], wanted_ids), len(self) - 1)
        rows = order[position]
        if (self.id[rows] != wanted_ids).any():
            bad = wanted_ids[self.id[rows] != wanted_ids][0]
            raise InputError("image id is unknown", expected="an id of the image table", got=f"id {bad}")
        return rows
