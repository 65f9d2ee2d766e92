"""What the checks found, as one value: the content of quality.json and what the page is drawn from.

`leaks` turns what the splits set aside into findings; `summarise` adds everything up.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..checks.checking import CheckedSet, Counts, findings_of, short_names
from ..checks.finding import CHECKS, Finding
from ..checks.near_duplicates import clusters
from ..checks.person_boxes import Fault
from ..splits.assign import DROPPED, SPLITS, SplitAssignment
from .pool_account import PoolAccount

NAMED_PAIRS = 1000  # of near duplicates; a still video has millions


@dataclass(frozen=True, eq=False)
class Quality:
    """A checked set and its splits."""

    checked: CheckedSet
    split: NDArray[np.str_]
    """(m,) split of each image in `checked.images`; DROPPED where it is in none."""
    findings: list[Finding]
    """Findings of the checks and of the splits."""
    counts: Counts
    """Counts after the splits set samples aside."""
    info: dict[str, Any]
    """Further facts for the page's foot, such as the test set's version."""
    left_out: NDArray[np.bool_]
    """(m,) training images beyond `ingest.split.train_images`, and frames between two blocks of time."""
    pool: PoolAccount | None = None
    """What became of the pool's frames; None before they were looked at."""

    def across_splits(self) -> NDArray[np.bool_]:
        """Which near-duplicate pairs are used in two different splits."""
        first, second = self.checked.near
        a, b = self.split[first], self.split[second]
        return np.asarray((a != b) & (a != DROPPED) & (b != DROPPED))

    def document(self) -> dict[str, Any]:
        """The content of quality.json."""
        checked = self.checked
        suspects = checked.people.extras["suspect"]
        numbers = Counter(finding.check for finding in self.findings)
        return {
            "counts": self.record_counts(),
            "kept": {
                "images": int((self._aside_images() == 0).sum()),
                "people": int((self._aside_images()[checked.images.rows_of(checked.people.image_id)] == 0).sum()),
                "suspect_people": int((suspects != "").sum()),
            },
            "checks": {
                name: {"severity": severity, "found": numbers[name], "says": says}
                for name, (severity, says) in CHECKS.items()
            },
            **checked.notes.as_json(),
            "near_duplicates": self._near_duplicates(),
            "splits": self._images_by_split(),
            "info": self.info,
            "pool": None if self.pool is None else self.pool.document(),
            "findings": [finding.as_json() for finding in self.findings],
        }

    def _images_by_split(self) -> dict[str, int]:
        """Images of each split: those of `ingest`, or of `check` the files, which have names of their own."""
        names = np.unique(self.split[self.split != DROPPED]).tolist()
        return {name: int((self.split == name).sum()) for name in (SPLITS if set(names) <= set(SPLITS) else names)}

    def record_counts(self) -> dict[str, int]:
        """Images and annotations: in = kept + quarantined + merged + left_out + passed_over."""
        counts = asdict(self.counts)
        return {"in": counts.pop("records_in"), **counts}

    def _aside_images(self) -> NDArray[np.int64]:
        """(m,) 1 for images that the splits set aside, or that are left out."""
        ids = {f.id for f in self.findings if f.check in ("leak", "reserved") and f.table == "images"}
        aside = np.array([str(identity) in ids for identity in self.checked.images.id], dtype=bool)
        return (aside | self.left_out).astype(np.int64)

    def _near_duplicates(self) -> dict[str, Any]:
        first, second = self.checked.near
        names = short_names(self.checked.images)
        sizes = Counter(clusters(len(names), (first, second)).tolist())
        return {
            "pairs": len(first),
            "clusters": sum(size > 1 for size in sizes.values()),
            "images": sum(size for size in sizes.values() if size > 1),
            "across_splits": int(self.across_splits().sum()),
            "names": [[names[a], names[b]] for a, b in zip(first[:NAMED_PAIRS], second[:NAMED_PAIRS], strict=True)],
        }


def summarise(
    checked: CheckedSet,
    split: NDArray[np.str_],
    aside: Sequence[Finding] = (),
    info: dict[str, Any] | None = None,
    left_out: NDArray[np.bool_] | None = None,
) -> Quality:
    """Put the findings of checks and of splits (`leaks`) together; each of the latter is one record less kept.

    So is each of the images `left_out` (m,), and each of their people.
    """
    left_out = np.zeros(len(split), dtype=bool) if left_out is None else left_out
    out = int(left_out.sum() + left_out[checked.images.rows_of(checked.people.image_id)].sum())
    counts = Counts(
        checked.counts.records_in,
        checked.counts.kept - len(aside) - out,
        checked.counts.quarantined + len(aside),
        checked.counts.merged,
        out,
        checked.counts.passed_over,
    )
    info = (info or {}) | {f"pictures {words}": count for words, count in checked.treated.items()}
    return Quality(checked, split, [*checked.findings, *aside], counts, info, left_out)


def leaks(checked: CheckedSet, assignment: SplitAssignment) -> list[Finding]:
    """Images that the splits set aside because of others, each with its people, and why."""
    names = short_names(checked.images)
    aside = {
        int(row): _why(assignment, int(row), names)
        for row in np.flatnonzero((assignment.leaks_to >= 0) | assignment.reserved)
    }
    findings = [
        Finding(check, "images", str(checked.images.id[row]), names[row], reason)
        for row, (check, reason) in aside.items()
    ]
    faults: dict[str, list[Fault]] = {"leak": [], "reserved": []}
    for person, row in enumerate(checked.images.rows_of(checked.people.image_id).tolist()):
        if row in aside:
            faults[aside[row][0]].append(Fault(person, "its image is set aside", 0.0))
    for check, of_check in faults.items():
        findings += findings_of(check, of_check, checked.people, checked.images, with_row=False)
    return findings


def _why(assignment: SplitAssignment, row: int, names: Sequence[str]) -> tuple[str, str]:
    keeper = int(assignment.leaks_to[row])
    if keeper < 0:
        return "reserved", "belongs to the test set by its hash, and the test set is frozen"
    kept_in = "reserved for test" if assignment.reserved[keeper] else f"in {assignment.split[keeper]}"
    return "leak", f"home {assignment.home[row]}, and joined by near duplicates to {names[keeper]} {kept_in}"
