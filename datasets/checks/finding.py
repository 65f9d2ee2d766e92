"""What a check says about one record, and the table of checks.

Two severities. `quarantine`: the record cannot be used and leaves the set. `suspect`: it stays, is listed, and carries
the check's name in its column `suspect`, so that a person can look at it and selection or FiftyOne can show it.

Adding a check: add one line to `CHECKS`, write a function that returns `Finding`s, and call it in `checking.py`.
"""

from dataclasses import asdict, dataclass
from typing import Literal

Severity = Literal["quarantine", "suspect"]

CHECKS: dict[str, tuple[Severity, str]] = {
    "record": ("quarantine", "the record is malformed, or refers to something that is not there"),
    "picture": ("quarantine", "the image cannot be read, or is not of the stated size"),
    "collapsed": ("quarantine", "all labelled joints lie in one place"),
    "leak": ("quarantine", "near duplicate of a sample in a protected split, set aside from this one"),
    "reserved": ("quarantine", "a test sample by its hash, but the test set is frozen: it waits for the next version"),
    "tiny": ("suspect", "too few pixels to see joints"),
    "outside": ("suspect", "much of the box lies outside the image"),
    "box": ("suspect", "a labelled joint lies far outside the box"),
    "twice": ("suspect", "another annotation of the image is nearly the same"),
    "limbs": ("suspect", "a limb too long for the rest of the body"),
    "sides": ("suspect", "left and right look exchanged, judged by the set's own poses"),
    "teacher-sides": ("suspect", "left and right look exchanged to a teacher"),
    "mistakes": ("suspect", "likely wrong by networks, geometry and rare poses, from `find-mistakes`"),
}


@dataclass(frozen=True)
class Finding:
    """One fault of one record."""

    check: str
    """A key of CHECKS."""
    table: str
    """`images` or `annotations`."""
    id: str
    """The record's id as its source wrote it, or its position when it has none."""
    file: str
    """The image, or the annotation file where no image is known."""
    reason: str
    score: float = 0.0
    """How bad, comparable within one check only; the report shows the worst first."""
    row: int = -1
    """Row of the person among the people kept, for its picture; -1 for none."""

    def __post_init__(self) -> None:
        assert self.check in CHECKS, self.check

    @property
    def severity(self) -> Severity:
        """`quarantine` or `suspect`."""
        return CHECKS[self.check][0]

    def as_json(self) -> dict[str, str | float]:
        """For quality.json."""
        record = asdict(self)
        del record["row"]
        return {**record, "severity": self.severity, "score": round(self.score, 4)}
