"""The student's answer to many people, found on a cluster in parts: the same bits as `scoring.look` gives in one pass.

A part is a whole number of batches, cut in the order in which one pass would show people to the network, so every batch
holds the same people; and workers compute with this process's number of threads. What is drawn at random for all people
together (boxes that are a little off) is drawn here. Where there is a GPU one pass uses it, in FP16, and gives other
bits: nodes compute on their processors.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields, replace
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dataengine.crops.pixels import people_by_picture
from dataengine.hardware.threads import torch_threads
from dataengine.inference.running.predict import BATCH, Prediction
from dataengine.parallel.parallel_map import parallel_map
from dataengine.people import Images, People

from .scoring import Networks, answers, look, views_off
from .uncertainty import Seen

PART = 64 * BATCH


@dataclass(frozen=True, eq=False)
class Part:
    """Some of the people, in the order in which the network sees them."""

    people: People
    images: Images
    off: tuple[People, ...]
    """The same people in boxes that are a little off."""


def look_on(
    cluster: str | None, networks: Networks, people: People, images: Images, *, part: int = PART, workers: int = 1
) -> Seen:
    """`look`, on a Ray cluster where one is named, else in this process, or in `workers` processes of this machine.

    `part`: people of a part, a multiple of `BATCH`.
    """
    assert part % BATCH == 0
    if not len(people) or (cluster is None and workers == 1):
        return look(networks, people, images)
    groups = people_by_picture(images.rows_of(people.image_id))
    order = np.concatenate([rows for _, rows in groups])
    off = views_off(networks, people)
    parts = [_part(order[first : first + part], people, images, off) for first in range(0, len(order), part)]
    found = parallel_map(
        partial(_answers, networks),
        parts,
        description="score",
        cluster=cluster,
        workers=None if cluster else workers,
        threads=torch_threads(),
        unit=f"x{part} people",
    )
    return _joined(found).take(np.argsort(order, kind="stable"))


def _part(rows: NDArray[np.int64], people: People, images: Images, off: Sequence[People]) -> Part:
    mine = people.take(rows)
    shown = images.take(np.unique(images.rows_of(mine.image_id)))
    return Part(mine, shown, tuple(each.take(rows) for each in off))


def _answers(networks: Networks, part: Part) -> Seen:
    return answers(networks, part.people, part.images, part.off)


def _joined(parts: Sequence[Seen]) -> Seen:
    """All parts' answers in one, whatever a pass was asked for."""
    joined: dict[str, Any] = {f.name: _all([getattr(each, f.name) for each in parts]) for f in fields(Seen)}
    return Seen(**joined)


def _all(values: Sequence[Any]) -> Any:
    first = values[0]
    if isinstance(first, Prediction):
        return _one(values)
    if isinstance(first, tuple):
        return tuple(_all(each) for each in zip(*values, strict=True))
    return None if first is None else np.concatenate(values)


def _one(parts: Sequence[Prediction]) -> Prediction:
    columns = ("keypoints_px", "confidence", "spread_px", "entropy")
    joined: dict[str, Any] = {name: np.concatenate([getattr(each, name) for each in parts]) for name in columns}
    return replace(parts[0], **joined)
