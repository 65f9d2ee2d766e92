"""Which pictures are no independent evidence of each other: the units that the bootstrap resamples whole.

A *group* (a scene, a recording, a video; else the picture alone) shares people, place and light, and groups are taken
for independent. What is said about other cameras or later moments of one place needs units within a group: *camera*,
all that one camera took there, and *time*, all that its cameras took in a block of time. The two cross: a picture is of
one camera and of one block. `units_of` makes them, `crossed` says what is to be resampled together.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal, Self, get_args

import numpy as np
from numpy.typing import NDArray

from dataengine.errors import ParamsError
from dataengine.people import Images

ClusterKind = Literal["group", "camera", "time"]
KINDS: tuple[ClusterKind, ...] = get_args(ClusterKind)


@dataclass(frozen=True, eq=False)
class Units:
    """m pictures in units that belong together in one way, and which units are neighbours."""

    kind: ClusterKind
    series: NDArray[np.int64]  # (m,) only units of one series are neighbours
    place: NDArray[np.int64]  # (m,) of the picture's unit in its series: neighbours differ by little
    block: int = 1
    """Places that make one cluster: neighbours that are too alike are resampled together."""

    @property
    def clusters(self) -> NDArray[np.int64]:
        """(m,) number of each picture's cluster, from 0, series by series in the order of places."""
        return _numbered(self.series, self.place // self.block)

    def take(self, rows: NDArray[np.int64]) -> Self:
        """The same for some of the pictures."""
        return replace(self, series=self.series[rows], place=self.place[rows])

    def merged(self, block: int) -> Self:
        """The same with that many places to a cluster."""
        return replace(self, block=block)


def units_of(images: Images, kind: ClusterKind, block_frames: int = 1) -> list[Units]:
    """What must be resampled so that an interval holds for new groups, or for new cameras or new moments of the same.

    group: groups, and within a single one its cameras and its moments. camera: cameras and moments. time: moments
    alone, in blocks of `block_frames` frames. A way of belonging together that only divides the clusters of an earlier
    one is left out: it adds no evidence.
    """
    if block_frames < 1:
        raise ParamsError("a block of frames is empty", expected="1 or more", got=str(block_frames))
    group = _group_numbers(images)
    makers = {"group": _groups, "camera": _cameras, "time": _moments}
    kept: list[Units] = []
    for name in KINDS[KINDS.index(kind) :]:
        units = makers[name](images, group)
        units = units.merged(block_frames) if name == "time" else units
        if not any(_is_finer(units.clusters, earlier.clusters) for earlier in kept):
            kept.append(units)
    return kept


def scene_count(images: Images) -> int:
    """Number of groups that the pictures are of."""
    return len(np.unique(_group_numbers(images)))


def crossed(units: Sequence[Units]) -> NDArray[np.int64]:
    """Cluster indices (w, m) of the w ways in which pictures are resampled, all at once (see `bootstrap.draw_ap`).

    A way that holds all pictures in one cluster says nothing about the spread and is left out, except where all do.
    """
    ways = [each.clusters for each in units]
    several = [way for way in ways if way.size and way.max() > 0]
    return np.stack(several or ways[:1])


def _group_numbers(images: Images) -> NDArray[np.int64]:
    """(m,) group of each picture (its video where none is known, else itself), in the order of their first pictures.

    Pictures are ordered by name, in which numbers count as such: img2 comes before img10.
    """
    keys = [
        ("group", group) if group else ("video", video) if video else ("picture", str(identity))
        for group, video, identity in zip(images.group.tolist(), images.video.tolist(), images.id.tolist(), strict=True)
    ]
    order = sorted(range(len(images)), key=lambda row: (_natural(str(images.path[row])), int(images.id[row])))
    number: dict[tuple[str, str], int] = {}
    for row in order:
        number.setdefault(keys[row], len(number))
    return np.array([number[key] for key in keys], dtype=np.int64)


def _groups(images: Images, group: NDArray[np.int64]) -> Units:
    """Neighbours by name: whoever does not know the scenes often has their pictures one after the other."""
    return Units("group", np.zeros_like(group), group)


def _cameras(images: Images, group: NDArray[np.int64]) -> Units:
    video = np.unique(images.video, return_inverse=True)[1]
    return Units("camera", _numbered(group, video), np.zeros_like(group))


def _moments(images: Images, group: NDArray[np.int64]) -> Units:
    start = np.full(group.max(initial=-1) + 1, np.iinfo(np.int64).max)
    np.minimum.at(start, group, images.frame)
    return Units("time", group, images.frame - start[group])


def _numbered(*columns: NDArray[np.int64]) -> NDArray[np.int64]:
    """(m,) number of each row among the sorted distinct ones."""
    rows = np.stack(columns, axis=1)
    return np.unique(rows, axis=0, return_inverse=True)[1].reshape(-1).astype(np.int64)


def _is_finer(fine: NDArray[np.int64], coarse: NDArray[np.int64]) -> bool:
    """Whether each cluster of `fine` lies within one of `coarse`, which has several."""
    if not coarse.size or coarse.max() == 0:
        return False
    return len(np.unique(np.stack([fine, coarse], axis=1), axis=0)) == fine.max() + 1


def _natural(name: str) -> tuple[tuple[int, int | str], ...]:
    return tuple((0, int(part)) if part.isdecimal() else (1, part) for part in re.split(r"(\d+)", name))
