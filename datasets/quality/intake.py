"""Checked people to people with a split each: what `ingest` calls for any source.

`split_by_group` is for independent pictures and videos, `split_by_blocks` for recordings cut into blocks of time.
Both write quality.html and quality.json; `freeze` then holds the test set to its lock.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from dataengine.files import short_sha256
from dataengine.formats.reading.content import BadRecord
from dataengine.keypoints import UNLABELLED
from dataengine.leakage.held_out import HeldOutSet
from dataengine.people import Images, People

from ..checks.checking import CheckedSet
from ..checks.finding import Finding
from ..checks.params import ChecksParams
from ..splits.assign import (
    DROPPED,
    SplitAssignment,
    SplitParams,
    beyond_limit,
    group_names,
    split_images,
    taken_together,
)
from ..splits.freeze import LOCK_NAME, FrozenTest, identify, read_lock, refuse_change, write_lock
from ..splits.protect import guarded
from .report import write_quality
from .summary import Quality, leaks, summarise


@dataclass(frozen=True, eq=False)
class Intake:
    """A checked set with its splits."""

    people: People
    """The people kept, with the extra column `suspect`."""
    images: Images
    """With the column `group`: what was taken together, as far as sources, patterns and pictures tell."""
    split: NDArray[np.str_]
    """(m,) split of each image; `DROPPED` where it is set aside."""
    keys: list[str]
    """SHA-256 of each image's file."""
    quality: Quality
    held_out: HeldOutSet
    """Validation and test, and what is reserved for a later test set."""

    def people_split(self) -> NDArray[np.str_]:
        """(n,) split of each person."""
        return np.asarray(self.split[self.people_rows()])

    def people_rows(self) -> NDArray[np.int64]:
        """(n,) row of each person's image."""
        return self.images.rows_of(self.people.image_id)

    def freeze(self, folder: Path, params: SplitParams) -> FrozenTest:
        """Write the test set's lock file into `folder`; `InputError` when a frozen test set would change."""
        test_set = self.test_set(params)
        refuse_change(read_lock(params), test_set)
        write_lock(folder / LOCK_NAME, test_set)
        return test_set

    def test_set(self, params: SplitParams) -> FrozenTest:
        """The identity of the test split: of its people with a labelled joint, and their images."""
        usable = (self.people.visibility > UNLABELLED).any(axis=1)
        people = self.people.take((self.people_split() == "test") & usable)
        rows = np.unique(self.images.rows_of(people.image_id))
        return identify(params.test_version, people, self.images.take(rows), [self.keys[row] for row in rows])


def split_by_group(checked: CheckedSet, checks: ChecksParams, split: SplitParams, *, report: Path) -> Intake:
    """Split by group, set aside what would leak between splits, and write the quality report to `report`."""
    keys = checked.sha256.tolist()
    frozen = read_lock(split)
    groups = group_names(checked.images, keys, split)
    assignment = split_images(groups, checked.near, split, keys=keys, frozen=frozenset(frozen.keys) if frozen else None)
    assignment, held_out = guarded(checked, assignment, checks, gap_frames=None, video_sha256={})
    no_gap = np.zeros(len(keys), dtype=bool)
    return _limited(checked, assignment, split, held_out, no_gap, _info(split, frozen), report)


def split_by_blocks(
    checked: CheckedSet,
    checks: ChecksParams,
    split: SplitParams,
    blocks: Mapping[int, str],
    *,
    report: Path,
    video_sha256: Mapping[str, str] | None = None,
) -> Intake:
    """Recordings cut into `blocks` of time, image id -> block: frames of one scene always look alike, and are not
    compared.

    A frame that the checks quarantined leaves its block; frames in the gaps are left out. `video_sha256`, by the name
    of the video, finds its frames wherever they turn up.
    """
    block = np.array([blocks[identity] for identity in checked.images.id.tolist()], dtype="<U5")
    assignment = SplitAssignment(block, block, np.full(len(block), -1), np.zeros(len(block), dtype=bool))
    assignment, held_out = guarded(
        checked, assignment, checks, gap_frames=split.gap_frames, video_sha256=video_sha256 or {}
    )
    note = "Splits are blocks of time with gaps: frames of one scene look alike throughout."
    info = _info(split, read_lock(split)) | {"near_duplicates_note": note}
    return _limited(checked, assignment, split, held_out, block == DROPPED, info, report)


def _limited(
    checked: CheckedSet,
    assignment: SplitAssignment,
    params: SplitParams,
    held_out: HeldOutSet,
    in_gap: NDArray[np.bool_],
    info: dict[str, str],
    report: Path,
) -> Intake:
    """The intake with at most `train_images` training images; writes the quality report."""
    people, images, keys = checked.people, checked.images, checked.sha256.tolist()
    images = images.replace(group=taken_together(images, checked.near, keys, params))
    labelled = np.isin(images.id, people.image_id[(people.visibility > UNLABELLED).any(axis=1)])
    beyond = beyond_limit(assignment.split, keys, labelled, params.train_images)
    split = np.where(beyond, DROPPED, assignment.split)
    quality = summarise(checked, split, leaks(checked, assignment), info, beyond | in_gap)
    write_quality(report, quality)
    return Intake(people, images, split, keys, quality, held_out)


def _info(split: SplitParams, frozen: FrozenTest | None) -> dict[str, str]:
    state = f"frozen, sha256 {short_sha256(frozen.sha256)}" if frozen else "not frozen"
    return {"test_set": f"version {split.test_version}, {state}"}


def record_findings(bad: Sequence[BadRecord]) -> list[Finding]:
    """Records that an adapter set aside, as findings."""
    return [Finding("record", record.table, record.id, record.file, record.reason) for record in bad]
