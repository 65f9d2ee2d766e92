"""The ledger of test sets: every comparison that was made on one, kept in the registry's file.

`compare` enters a comparison before it writes the verdict, so that a look at the test set counts whatever comes of it.
A comparison is known by what goes into it (`ComparedInputs.id`): to run the same one again, here or in a clone, does
not count again, while a changed policy, label or model makes another comparison. `Ledger.earlier` finds those before
it on every test set that has its version or one of its pictures, so that neither a moved box nor a new name makes a
fresh count.

A round is pinned to the ledger's `head`, the digest of its last line and, through that, of all lines before. A
comparison that the ledger lacks may only follow the head that it was pinned to: see `Ledger.refusal`.
"""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from typing import Any

from dataengine.files import short_sha256


@dataclass(frozen=True)
class ComparedInputs:
    """What goes into a comparison; the same inputs are the same comparison."""

    candidate: str
    """Id of the model."""
    champion: str
    """Id of the model that it must beat, "" for none."""
    test_sha256: str
    """SHA-256 of the test set's pictures and labels."""
    version: str
    """`ingest.split.test_version` of the test set, "" where no lock file names one."""
    pictures: str
    """Name of the list of its pictures in `Ledger.pictures`."""
    parts_sha256: str
    """SHA-256 of its slices and of the clusters that are resampled."""
    policy: str
    """Short hash of the policy, see `CompareParams.policy_hash`."""
    runner: str
    """What runs the models; its rounding is its own."""
    oks_sigmas: str
    """Name of the sigmas that OKS counts by."""

    @property
    def id(self) -> str:
        """Short hash of everything above."""
        return digest_of(asdict(self))[:12]


@dataclass(frozen=True)
class TestUse:
    """One line of the ledger: a comparison, and what was found."""

    __test__ = False  # not a class of tests, whatever pytest thinks of its name

    at: str
    """UTC, ISO 8601."""
    inputs: ComparedInputs
    share: float
    """Error that the policy let it spend: a policy with another share does not spend less in hindsight."""
    decision: str
    """The verdict: promote, reject or not-enough-evidence."""
    evidence_sha256: str
    """SHA-256 of evidence.npz. The same inputs run on another machine may differ in the last digit: another line."""


@dataclass(frozen=True)
class Ledger:
    """All lines, oldest first, and the pictures of the test sets that they are about."""

    uses: tuple[TestUse, ...] = ()
    pictures: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """Sorted short hashes of a test set's pictures, by `pictures_name`."""

    def __post_init__(self) -> None:
        for name, pictures in self.pictures.items():
            if name != pictures_name(pictures):
                raise ValueError(f"the list of pictures {name} was changed by hand")
        for use in self.uses:
            if use.inputs.pictures not in self.pictures:
                raise ValueError(f"the list of pictures {use.inputs.pictures} is missing")

    @property
    def digests(self) -> list[str]:
        """Digest of each line and, through the digest of the one before, of all earlier ones."""
        digests: list[str] = []
        for use in self.uses:
            digests.append(digest_of([digests[-1] if digests else "", asdict(use)]))
        return digests

    @property
    def head(self) -> str:
        """Short digest of the last line, "" before the first: what a round is pinned to."""
        return short_sha256(self.digests[-1]) if self.uses else ""

    @property
    def comparisons(self) -> int:
        """Number of different comparisons."""
        return len({use.inputs.id for use in self.uses})

    def lines_of(self, inputs: ComparedInputs) -> list[TestUse]:
        """The lines about this comparison, none if it is new."""
        return [use for use in self.uses if use.inputs.id == inputs.id]

    def earlier(self, inputs: ComparedInputs, pictures: tuple[str, ...]) -> list[TestUse]:
        """The comparisons before this one on test sets of its version or with one of its `pictures`, each once.

        All of them before one that is not entered yet, and before a model against itself, which never is.
        """
        earlier: dict[str, TestUse] = {}
        for use in self.uses:
            if use.inputs.id == inputs.id:
                break
            if self._is_same_set(use.inputs, inputs.version, set(pictures)):
                earlier.setdefault(use.inputs.id, use)
        return list(earlier.values())

    def refusal(self, inputs: ComparedInputs, head: str) -> str:
        """Why a round that is pinned to `head` may not make this comparison; "" if it may.

        One that the ledger knows spends nothing. A new one has to be the first after the head: so it has the number
        that its round expects, and a policy that was changed, or pins that were taken back, spend a share again.
        """
        if head and head not in map(short_sha256, self.digests):
            return f"the ledger of the registry lacks the line {head}, at which the round began"
        if inputs.candidate == inputs.champion or self.lines_of(inputs) or head == self.head:
            return ""
        first = next((i for i, each in enumerate(self.digests) if short_sha256(each) == head), -1) + 1
        since = {use.inputs.id for use in self.uses[first:]}
        last = self.uses[-1].inputs
        return (
            f"the round's comparison is spent: {len(since)} since it began, the last of {last.candidate} against "
            f"{last.champion or 'no champion'} by the policy {last.policy}"
        )

    def with_use(self, use: TestUse, pictures: tuple[str, ...]) -> "Ledger":
        """With another line, unless it is there or is about a model against itself."""
        inputs = use.inputs
        if inputs.candidate == inputs.champion:
            return self
        if any(each.evidence_sha256 == use.evidence_sha256 for each in self.lines_of(inputs)):
            return self
        return replace(self, uses=(*self.uses, use), pictures={**self.pictures, inputs.pictures: pictures})

    def _is_same_set(self, other: ComparedInputs, version: str, pictures: set[str]) -> bool:
        return (version != "" and other.version == version) or not pictures.isdisjoint(self.pictures[other.pictures])


def pictures_name(pictures: tuple[str, ...]) -> str:
    """Short hash of a list of pictures, by which `Ledger.pictures` knows it."""
    return short_sha256(digest_of(list(pictures)))


def digest_of(value: Any) -> str:
    """Hex SHA-256 of a value as JSON with sorted keys."""
    return hashlib.sha256(json.dumps(value, sort_keys=True).encode()).hexdigest()
