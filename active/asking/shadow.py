"""Needs from shadow serving: people on whom a candidate that answers next to the champion disagrees with it.

The folder is that of `dataengine serve --shadow`, read by `dataengine.serving.shadow.folder`. Which of the two models
is right nobody knows yet: the champion's joints stand for the pose, since its place in the space of poses is what
counts.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from dataengine.keypoints import UNLABELLED, VISIBLE
from dataengine.people import Images, People
from dataengine.pictures.reading.header import PictureFault, read_header
from dataengine.poses.clusters import UNCLUSTERED
from dataengine.poses.training_poses import TrainingPoses
from dataengine.requests.record import ORIGIN
from dataengine.serving.shadow.folder import Disagreement, read_disagreements
from dataengine.terminal.speech import say

from .need import Need
from .parts import CLUSTER
from .request_params import RequestParams

SURE = 0.3
"""Confidence from which a joint of the champion's is part of the pose."""


@dataclass(frozen=True, eq=False)
class DoubtedPeople:
    """n people on whom two models disagree."""

    people: People  # with the champion's joints, ORIGIN and sha256
    images: Images
    oks: np.typing.NDArray[np.float64]  # (n,)
    reasons: tuple[str, ...]


def read_doubted_people(folder: Path) -> DoubtedPeople:
    """Read the shadow's folder; people whose picture cannot be read any more are left out, and a line says how many.

    Raises:
        InputError: the folder is none of a shadow's, or a line is damaged.
    """
    records = read_disagreements(folder)
    sizes = [_size(folder / record.picture) for record in records]
    there = [(record, size) for record, size in zip(records, sizes, strict=True) if size is not None]
    if len(there) < len(records):
        say(f"request: {len(records) - len(there)} people of {folder} are left out: their pictures cannot be read")
    return _table([record for record, _ in there], [size for _, size in there])


def needs_of_shadow(found: DoubtedPeople, poses: TrainingPoses | None, params: RequestParams) -> Iterator[Need]:
    """A need for each pose cluster of the disagreements below `params.shadow_oks`; without clusters one for all."""
    grave = found.oks < params.shadow_oks
    if not grave.any():
        return
    cluster = np.full(len(found.oks), UNCLUSTERED)
    if poses is not None:
        cluster = poses.look_up(found.people.keypoints_px, found.people.visibility).cluster
    for number in np.unique(cluster[grave]).tolist():
        rows = np.flatnonzero(grave & (cluster == number))
        rows = rows[np.argsort(found.oks[rows], kind="stable")]
        lost, share = float(1 - found.oks[rows].mean()), len(rows) / int(grave.sum())
        why = Counter(found.reasons[row] for row in rows if found.reasons[row]).most_common(1)
        said = f"; most often: {why[0][0][:100]}" if why else ""
        people = found.people.take(rows[: params.examples])
        images = found.images.take(np.unique(found.images.rows_of(people.image_id)))
        yield Need(
            asked_by="shadow",
            part="" if number == UNCLUSTERED else f"{CLUSTER}={number}",
            weight=lost * share,
            reason=f"champion and candidate differ on {len(rows)} people served, by {lost:.2f} of OKS{said}",
            examples=(people, images),
            evidence={"people": len(rows), "oks": round(1 - lost, 6)},
        )


def _size(path: Path) -> tuple[int, int] | None:
    """Width and height, px; None where no picture can be read."""
    if not path.is_file():
        return None
    try:
        with path.open("rb") as stream:
            return read_header(stream).size
    except (PictureFault, OSError):
        return None


def _table(records: list[Disagreement], sizes: list[tuple[int, int]]) -> DoubtedPeople:
    count = len(records)
    if not count:
        return DoubtedPeople(People.empty(), Images.build(id=[], path=[], width=[], height=[]), np.empty(0), ())
    joints = np.array([record.champion.keypoints_px for record in records])
    confidence = np.array([record.champion.confidence for record in records])
    flags = np.where(confidence >= SURE, VISIBLE, UNLABELLED)
    people = People.build(
        image_id=np.arange(count),
        bbox_xywh_px=np.array([record.box_xywh_px for record in records]),
        keypoints_px=np.where(flags[..., None] > UNLABELLED, joints, 0.0),
        visibility=flags,
        source="pseudo",
        extras={"sha256": [record.picture_sha256 for record in records], ORIGIN: ["shadow"] * count},
    )
    images = Images.build(
        id=np.arange(count),
        path=[record.picture for record in records],
        width=[width for width, _ in sizes],
        height=[height for _, height in sizes],
    )
    oks = np.array([record.oks for record in records])
    return DoubtedPeople(people, images, oks, tuple(record.reason for record in records))
