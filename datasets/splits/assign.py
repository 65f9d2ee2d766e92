"""Which split a sample belongs to: time blocks for one video, a hash for independent groups.

The rule for photographs and many videos (`split_images`):

1. *Home.* Every group (a scene, a video, or else the single picture by its content) has a home split by the hash of its
   name. The home depends on nothing but the group and the shares, so data that is added or removed moves no sample.
2. *Set aside.* Where near duplicates have different homes, only those in the most protected one (test before val before
   train) are used. The others are set aside; they never join another split.

No rule can do both: keep clusters of near duplicates whole, and never move a sample. (A and B differ and lie in two
splits; add C, a near duplicate of both. To keep the cluster whole, A or B must move.) So clusters are kept apart by
leaving out. What holds when data is added: a sample is where it was or is set aside, never elsewhere; no test sample
ever leaves; no two near duplicates that are used lie in different splits. What it costs: members of a cluster with
another home.

3. *Frozen.* With a frozen test set (`freeze.py`) its samples are the test set, whatever the shares say now. New
   samples with home test are reserved: they wait for the next version, for training on them would spoil it.

Recordings (`split_recordings`) are cut into blocks of time instead. A still camera asks for it: all of its pictures are
near duplicates of each other, and rule 2 would leave one split of them.
"""

import hashlib
import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from dataengine.errors import ParamsError
from dataengine.files import short_sha256
from dataengine.people import Images

from ..checks.near_duplicates import RowPairs, clusters

SPLITS = ("train", "val", "test")  # each more protected than the one before
DROPPED = ""


@dataclass(frozen=True)
class SplitParams:
    """Section `ingest.split`."""

    val_share: float
    """Share of the frames or groups for validation."""
    test_share: float
    """Share of the frames or groups for the test."""
    gap_frames: int
    """Frames of a video left out between two splits, so that none neighbours another."""
    by: Literal["group", "time"] = "group"
    """group: whole videos, scenes and single pictures by hash. time: blocks of time, with gaps, of each recording; the
    pictures of a folder that are of no video count as one, in the order of their names. For still cameras."""
    scene_pattern: str = ""
    """Regular expression on file names; pictures with the same first group are one scene, whatever their source says.
    Empty: none are."""
    test_version: str = "1"
    """Name of the test set; a new name makes a new one."""
    frozen_test: str = ""
    """File that freezes the test set of that version: data/ingest/test.lock.json, copied and kept in git."""
    train_images: int | None = None
    """Use this many of the training images with labelled people, those whose content has the lowest hash: a smaller
    number is part of every larger one. Null: all. Validation and test stay as they are."""

    def __post_init__(self) -> None:
        if self.train_images is not None and self.train_images < 1:
            got = str(self.train_images)
            raise ParamsError("train_images", expected="null, or 1 or more", got=got)
        if min(self.val_share, self.test_share) < 0 or self.val_share + self.test_share >= 1:
            got = f"val_share {self.val_share:g}, test_share {self.test_share:g}"
            raise ParamsError("val_share and test_share", expected="shares >= 0 that leave some for training", got=got)
        if self.gap_frames < 0:
            raise ParamsError("gap_frames", expected="0 or more", got=str(self.gap_frames))
        if not self.test_version.strip():
            raise ParamsError("test_version", expected="a name", got="an empty string")
        try:
            groups = re.compile(self.scene_pattern).groups
        except re.error as error:
            raise ParamsError("scene_pattern", expected="a pattern", got=str(error)) from error
        if self.scene_pattern and groups != 1:
            got = f"{groups} in {self.scene_pattern!r}"
            raise ParamsError("scene_pattern", expected="one (group)", got=got)


@dataclass(frozen=True, eq=False)
class SplitAssignment:
    """What became of each image."""

    split: NDArray[np.str_]
    """(m,) one of SPLITS, or DROPPED when set aside."""
    home: NDArray[np.str_]
    """(m,) the split by hash alone."""
    leaks_to: NDArray[np.int64]
    """(m,) row of the near duplicate because of which the image is set aside, -1 for none."""
    reserved: NDArray[np.bool_]
    """(m,) home test, but not in the frozen test set."""


def split_frames(count: int, params: SplitParams) -> NDArray[np.str_]:
    """(count,) split of each frame: training first, then validation, then test, with gaps between that are in no split.

    Whole blocks of time, because frames a moment apart are nearly the same picture.
    """
    test_start = count - round(count * params.test_share)
    val_start = test_start - round(count * params.val_share)
    split = np.full(count, "train", dtype="<U5")
    split[val_start:], split[test_start:] = "val", "test"
    for border in {val_start, test_start} - {count}:
        split[max(0, border - params.gap_frames) : border] = DROPPED
    return split


def split_recordings(images: Images, params: SplitParams) -> NDArray[np.str_]:
    """(m,) split of each frame: blocks of time of each recording, see `split_frames`."""
    split = np.full(len(images), DROPPED, dtype="<U5")
    for video in np.unique(images.video):
        rows = np.flatnonzero(images.video == video)
        split[rows[np.argsort(images.frame[rows], kind="stable")]] = split_frames(len(rows), params)
    return split


def as_recordings(images: Images, names: Sequence[str]) -> Images:
    """Pictures of no video as frames of the recording that `names` (m,) gives, numbered in the order of their paths.

    Numbers in a path count as numbers: 9.jpg comes before 10.jpg.
    """
    video, frame = images.video.astype(object), images.frame.copy()
    single = images.video == ""
    of_recording = np.where(single, np.asarray(names, dtype=object), "")
    for name in {str(each) for each in of_recording[single]}:
        rows = np.flatnonzero(single & (of_recording == name)).tolist()
        for number, row in enumerate(sorted(rows, key=lambda row: _natural(str(images.path[row])))):
            video[row], frame[row] = name, number
    return images.replace(video=video.astype(str), frame=frame)


def _natural(path: str) -> list[tuple[int, str]]:
    return [(int(part), "") if part.isdecimal() else (-1, part) for part in re.split(r"(\d+)", path)]


def split_group(group: str, params: SplitParams) -> str:
    """The split of a group by the hash of its name: adding data never moves a sample."""
    position = int.from_bytes(hashlib.sha256(group.encode()).digest()[:8], "big") / 2**64
    if position < params.test_share:
        return "test"
    return "val" if position < params.test_share + params.val_share else "train"


def split_images(
    groups: Sequence[str],
    near: RowPairs,
    params: SplitParams,
    *,
    keys: Sequence[str] = (),
    frozen: Collection[str] | None = None,
) -> SplitAssignment:
    """Assign images to splits by the rule above.

    Args:
        groups: name of each image's group (m,), see `group_names`.
        near: rows of images that are near duplicates.
        params: shares of the splits.
        keys: hash of each image's file (m,); needed with `frozen` only.
        frozen: keys of the frozen test set; None when it is not frozen.
    """
    home = np.array([split_group(group, params) for group in groups], dtype="<U5")
    in_frozen = np.array([key in frozen for key in keys], dtype=bool) if frozen is not None else home == "test"
    reserved = (home == "test") & ~in_frozen
    # a reserved sample protects as the test sample that it is going to be
    rank = np.where(in_frozen, SPLITS.index("test"), [SPLITS.index(name) for name in home]).astype(np.int64)
    cluster = clusters(len(groups), near)
    order = np.lexsort((np.arange(len(groups)), -rank, cluster))
    keeper = np.full(len(groups), -1, dtype=np.int64)
    keeper[cluster[order][::-1]] = order[::-1]  # the last to be written is the most protected of its cluster
    keeper = keeper[cluster]
    leaks = rank < rank[keeper]
    split = np.where(leaks | reserved, DROPPED, np.array(SPLITS)[rank]).astype("<U5")
    return SplitAssignment(split, home, np.where(leaks, keeper, -1), reserved)


def beyond_limit(
    split: NDArray[np.str_], keys: Sequence[str], labelled: NDArray[np.bool_], limit: int | None
) -> NDArray[np.bool_]:
    """Which images (m,) of the training split are left out, to use `limit` of them.

    Kept are, of the images with labelled people, `labelled` (m,), those whose `keys` (m,), hashes of files, are lowest.
    """
    training = split == "train"
    if limit is None:
        return np.zeros(len(split), dtype=bool)
    rows = np.flatnonzero(training & labelled)
    kept_rows = rows[np.argsort(np.array(keys)[rows], kind="stable")[:limit]]
    return training & ~np.isin(np.arange(len(split)), kept_rows)


def known_groups(images: Images, params: SplitParams) -> list[str]:
    """What each image was taken together with: its scene by the pattern, else the group that its source names, else its
    video; "" where none is known."""
    pattern = re.compile(params.scene_pattern) if params.scene_pattern else None
    names = []
    for path, group, video in zip(images.path, images.group, images.video, strict=True):
        scene = pattern.search(Path(path).name) if pattern else None
        names.append(scene[1] if scene and scene[1] else str(group) or str(video))
    return names


def group_names(images: Images, sha256: Sequence[str], params: SplitParams) -> list[str]:
    """The group that decides an image's split: the known one, else its own content."""
    return [group or sha for group, sha in zip(known_groups(images, params), sha256, strict=True)]


def taken_together(images: Images, near: RowPairs, sha256: Sequence[str], params: SplitParams) -> list[str]:
    """The group of each image for whoever measures on it: the known one; near duplicates of which none is known are one
    group, named by the content of the first; "" for a picture on its own.

    Splits do not go by this: a new near duplicate would move those that are there.
    """
    cluster = clusters(len(images), near)
    size = np.bincount(cluster, minlength=len(images))
    like = [f"like {short_sha256(sha256[first])}" if size[first] > 1 else "" for first in cluster]
    return [known or other for known, other in zip(known_groups(images, params), like, strict=True)]
