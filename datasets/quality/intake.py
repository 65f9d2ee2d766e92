"""From what an adapter read to checked people, each with a split: what `ingest` calls for any source.

`check_and_split` is for independent pictures and videos, `check_blocks` for one recording whose splits are blocks of
time. Both write quality.html and quality.json; `freeze` then holds the test set to its lock.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from dataengine.files import short_sha256
from dataengine.keypoints import UNLABELLED
from dataengine.people import Images, People

from ..checks.checking import CheckedSet, check_set
from ..checks.finding import Finding
from ..checks.params import ChecksParams
from ..checks.pictures import LARGEST_MPX
from ..formats.content import BadRecord
from ..splits.assign import DROPPED, SplitParams, beyond_limit, group_names, split_images, taken_together
from ..splits.freeze import LOCK_NAME, FrozenTest, identify, read_lock, refuse_change, write_lock
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


def check_and_split(
    people: People,
    images: Images,
    checks: ChecksParams,
    split: SplitParams,
    *,
    report: Path,
    bad: Sequence[Finding] = (),
    without_labels: int = 0,
    models: Path | None = None,
    largest_mpx: int = LARGEST_MPX,
) -> Intake:
    """Check, split by group, set aside what would leak between splits, and write the quality report to `report`."""
    checked = check_set(
        people, images, checks, bad=bad, without_labels=without_labels, models=models, largest_mpx=largest_mpx
    )
    keys = checked.sha256.tolist()
    frozen = read_lock(split)
    groups = group_names(checked.images, keys, split)
    assignment = split_images(groups, checked.near, split, keys=keys, frozen=frozenset(frozen.keys) if frozen else None)
    return _limited(checked, assignment.split, split, leaks(checked, assignment), _info(split, frozen), report)


def check_blocks(
    people: People,
    images: Images,
    checks: ChecksParams,
    split: SplitParams,
    blocks: NDArray[np.str_],
    *,
    report: Path,
    models: Path | None = None,
) -> Intake:
    """Check recordings cut into `blocks` (m,) of time: frames of one scene always look alike, so none is set aside.

    A frame that the checks quarantine leaves its block.
    """
    checked = check_set(people, images, checks, models=models)
    by_id = dict(zip(images.id.tolist(), blocks.tolist(), strict=True))
    block_of_image = np.array([by_id[identity] for identity in checked.images.id.tolist()], dtype="<U5")
    note = "Splits are blocks of time with gaps: frames of one scene look alike throughout."
    return _limited(
        checked, block_of_image, split, [], _info(split, read_lock(split)) | {"near_duplicates_note": note}, report
    )


def _limited(
    checked: CheckedSet,
    split: NDArray[np.str_],
    params: SplitParams,
    aside: Sequence[Finding],
    info: dict[str, str],
    report: Path,
) -> Intake:
    """The intake with at most `train_images` training images; writes the quality report."""
    people, images, keys = checked.people, checked.images, checked.sha256.tolist()
    images = images.replace(group=taken_together(images, checked.near, keys, params))
    labelled = np.isin(images.id, people.image_id[(people.visibility > UNLABELLED).any(axis=1)])
    left_out = beyond_limit(split, keys, labelled, params.train_images)
    split = np.where(left_out, DROPPED, split)
    quality = summarise(checked, split, aside, info, left_out)
    write_quality(report, quality)
    return Intake(people, images, split, keys, quality)


def _info(split: SplitParams, frozen: FrozenTest | None) -> dict[str, str]:
    state = f"frozen, sha256 {short_sha256(frozen.sha256)}" if frozen else "not frozen"
    return {"test_set": f"version {split.test_version}, {state}"}


def record_findings(bad: Sequence[BadRecord]) -> list[Finding]:
    """Records that an adapter set aside, as findings."""
    return [Finding("record", record.table, record.id, record.file, record.reason) for record in bad]
