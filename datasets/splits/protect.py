"""Validation and test, guarded: what is held out, by content, and training images set aside because they are held out.

The rule is the one by which later stages refuse pictures (`dataengine/leakage`), so that no stage refuses what ingest
let through. Chains of near duplicates are broken up before, in `assign.split_images`.
"""

from collections.abc import Mapping
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from dataengine.leakage.contents import Contents
from dataengine.leakage.held_out import HeldOutSet, LeakRule
from dataengine.leakage.leaks import find_leaks

from ..checks.checking import CheckedSet
from ..checks.params import ChecksParams
from .assign import DROPPED, SplitAssignment

RESERVED = "reserved"


def guarded(
    checked: CheckedSet,
    assignment: SplitAssignment,
    checks: ChecksParams,
    *,
    gap_frames: int | None,
    video_sha256: Mapping[str, str],
) -> tuple[SplitAssignment, HeldOutSet]:
    """The assignment without training images that are held out, and what is held out.

    `gap_frames` separates held-out from other frames of a recording, None where whole videos are split; `video_sha256`
    is by the name of the video.
    """
    rule = LeakRule(checks.near_duplicate_bits, checks.near_duplicate_correlation, gap_frames)
    split = np.where(assignment.reserved, RESERVED, assignment.split)
    held_rows = np.flatnonzero(np.isin(split, ("val", "test", RESERVED)))
    training_rows = np.flatnonzero(split == "train")
    held_out = HeldOutSet(_contents(checked, held_rows, video_sha256), split[held_rows], rule)
    leaks = find_leaks(held_out, _contents(checked, training_rows, video_sha256))
    aside = training_rows[[leak.row for leak in leaks]]
    leaks_to, kept = assignment.leaks_to.copy(), assignment.split.copy()
    leaks_to[aside] = held_rows[[leak.held_row for leak in leaks]]
    kept[aside] = DROPPED
    return replace(assignment, split=kept, leaks_to=leaks_to), held_out


def _contents(checked: CheckedSet, rows: NDArray[np.int64], video_sha256: Mapping[str, str]) -> Contents:
    return Contents.build(checked.sha256[rows], checked.thumbnails[rows], checked.images.take(rows), video_sha256)
