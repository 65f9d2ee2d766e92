"""Which split a sample belongs to: time blocks for one video, a hash for independent groups."""

import hashlib
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from dataengine.errors import ParamsError

SPLITS = ("train", "val", "test")
DROPPED = ""


@dataclass(frozen=True)
class SplitParams:
    """Section `ingest.split`."""

    val_share: float
    """Of the frames or groups."""
    test_share: float
    """Of the frames or groups."""
    gap_frames: int
    """Frames of a video left out between two splits, so that none neighbours another."""

    def __post_init__(self) -> None:
        if min(self.val_share, self.test_share) < 0 or self.val_share + self.test_share >= 1:
            got = f"val_share {self.val_share:g}, test_share {self.test_share:g}"
            raise ParamsError("params ingest.split", expected="shares >= 0 that leave some for training", got=got)
        if self.gap_frames < 0:
            raise ParamsError("params ingest.split.gap_frames", expected="0 or more", got=str(self.gap_frames))


def split_frames(count: int, params: SplitParams) -> NDArray[np.str_]:
    """(count,) split of each frame: training first, then validation, then test, with gaps of no split between.

    Whole blocks of time, because frames a moment apart are nearly the same picture.
    """
    test_start = count - round(count * params.test_share)
    val_start = test_start - round(count * params.val_share)
    split = np.full(count, "train", dtype="<U5")
    split[val_start:], split[test_start:] = "val", "test"
    for border in {val_start, test_start} - {count}:
        split[max(0, border - params.gap_frames) : border] = DROPPED
    return split


def split_group(group: str, params: SplitParams) -> str:
    """The split of a group by the hash of its name: adding data never moves a sample."""
    position = int.from_bytes(hashlib.sha256(group.encode()).digest()[:8], "big") / 2**64
    if position < params.test_share:
        return "test"
    return "val" if position < params.test_share + params.val_share else "train"
