"""People in groups that were taken together, which are the units of a test: frames of a film are not independent.

A group is a recording (column `group` of the images), else a film, else a single picture. Every group counts alike,
however many frames were taken from it: it stands in the test as the mean of its people's features.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dataengine.people import Images, People

Floats = NDArray[np.floating[Any]]
MOST_OF_GROUP = 50
"""People of a group who are looked at; its mean needs no more."""


@dataclass(frozen=True, eq=False)
class GroupedPeople:
    """n people in k groups."""

    values: NDArray[np.float64]  # (n, d)
    group: NDArray[np.int64]  # (n,) 0..k-1
    names: tuple[str, ...]  # (k,) film or group; "" for a single picture

    @property
    def groups(self) -> int:
        """How many groups there are."""
        return len(self.names)

    def means(self, features: Floats) -> NDArray[np.float64]:
        """Mean (k, f) of each group's rows of `features` (n, f)."""
        sums = np.zeros((self.groups, features.shape[1]))
        np.add.at(sums, self.group, features)
        return sums / np.bincount(self.group, minlength=self.groups)[:, None]


def grouped(values: Floats, people: People, images: Images) -> GroupedPeople:
    """The people with these values (n, d), by what was taken together; of each group evenly spread ones."""
    rows = images.rows_of(people.image_id)
    keys = [
        (str(images.group[row]) or str(images.video[row]), "" if images.group[row] or images.video[row] else str(row))
        for row in rows.tolist()
    ]
    known = {key: number for number, key in enumerate(dict.fromkeys(keys))}
    group = np.array([known[key] for key in keys], dtype=np.int64).reshape(len(keys))
    kept = np.sort(np.concatenate([_some(np.flatnonzero(group == g)) for g in range(len(known))] or [group]))
    return GroupedPeople(np.asarray(values, dtype=np.float64)[kept], group[kept], tuple(name for name, _ in known))


def _some(rows: NDArray[np.int64]) -> NDArray[np.int64]:
    if len(rows) <= MOST_OF_GROUP:
        return rows
    return rows[np.linspace(0, len(rows) - 1, MOST_OF_GROUP).round().astype(np.int64)]
