"""The frozen test set: its version, the hash of its pictures and labels, and the keys of its samples.

Every run of ingest writes ``test.lock.json`` next to ``test.json``. Copied to a file in git and named by
``ingest.split.frozen_test``, it freezes the test set: later data does not enter it, and a run whose test set differs in
a picture, a joint or a box stops. To change it on purpose, name a new version in ``ingest.split.test_version``.

How often a test set was used is counted where it is used: `compare` keeps the hash with every comparison.
"""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from dataengine.errors import InputError
from dataengine.files import read_json, short_sha256, write_json
from dataengine.labelled_set import set_sha256
from dataengine.people import Images, People

from .assign import SplitParams

LOCK_NAME = "test.lock.json"


@dataclass(frozen=True)
class FrozenTest:
    """A test set's identity."""

    version: str
    sha256: str
    """Hex; of keys, boxes, joints and flags, whatever their order and wherever the pictures lie."""
    people: int
    keys: tuple[str, ...]
    """Sorted hashes of its pictures' files."""

    def info(self) -> dict[str, str]:
        """For the `info` of test.json."""
        return {"test_version": self.version, "test_sha256": self.sha256}


def identify(version: str, people: People, images: Images, keys: Sequence[str]) -> FrozenTest:
    """The identity of a test set; `keys` are those of `images`."""
    return FrozenTest(version, set_sha256(people, images, keys), len(people), tuple(sorted(keys)))


def write_lock(path: Path, frozen: FrozenTest) -> None:
    """Write the lock file."""
    write_json(path, asdict(frozen))


def read_lock(params: SplitParams) -> FrozenTest | None:
    """The frozen test set that `params` names; None where none is named, or where it is of another version."""
    if not params.frozen_test:
        return None
    path = Path(params.frozen_test)
    document = read_json(path)
    try:
        frozen = FrozenTest(**document | {"keys": tuple(document["keys"])})
        well_formed = isinstance(frozen.version, str) and isinstance(frozen.sha256, str) and len(frozen.sha256) == 64
        well_formed = well_formed and all(isinstance(key, str) for key in frozen.keys)
    except (TypeError, KeyError):
        well_formed = False
    if not well_formed:
        raise InputError(f"{path} does not freeze a test set", expected=f"a copy of {LOCK_NAME}, as ingest writes it")
    return frozen if frozen.version == params.test_version else None


def refuse_change(frozen: FrozenTest | None, found: FrozenTest) -> None:
    """Raise `InputError` when the test set of this run is not the frozen one."""
    if frozen is None or found.sha256 == frozen.sha256:
        return
    missing, added = set(frozen.keys) - set(found.keys), set(found.keys) - set(frozen.keys)
    if missing or added:
        example = min(missing or added)
        what = f"{len(missing)} images missing, {len(added)} new, for example {example[:40]}"
    else:
        what = f"the same images, other labels ({found.people} people, {frozen.people} before)"
    raise InputError(
        f"test set {frozen.version!r} is frozen and has changed",
        expected=f"sha256 {short_sha256(frozen.sha256)}",
        got=f"{short_sha256(found.sha256)}: {what}",
        fix="restore its data, or name a new version in ingest.split.test_version and compare champions again",
    )
