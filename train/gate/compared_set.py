"""The test set as the gate sees it: people, pictures, what belongs together, the slices, and who they are."""

import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from dataengine.coco_json import read_project_people
from dataengine.errors import InputError
from dataengine.evaluation.analysis.image_clusters import Units, units_of
from dataengine.evaluation.analysis.slices import Slice
from dataengine.evaluation.ap.protocol import OksProtocol
from dataengine.files import read_json, sha256_file, short_sha256
from dataengine.labelled_set import set_sha256
from dataengine.people import Images, People
from dataengine.poses.training_poses import TrainingPoses
from dataengine.registry.ledger import digest_of

from .models import slices_of
from .policy import CompareParams


@dataclass(frozen=True, eq=False)
class ComparedSet:
    """A test set, read and cut."""

    people: People
    images: Images
    sha256: str  # of pictures and labels
    version: str  # "" where no lock file names one
    pictures: tuple[str, ...]  # sorted short hashes of the files, each once
    picture_sha256: tuple[str, ...]  # (m,) of each row of `images`, whole
    units: list[Units]  # of the rows of `images`
    slices: list[Slice]
    protocol: OksProtocol

    @property
    def parts_sha256(self) -> str:
        """Hash of units and slices: groups, columns and pose clusters change them, and the set's hash does not."""
        slices = [[part.name, np.flatnonzero(part.people).tolist()] for part in self.slices]
        return digest_of([[units.clusters.tolist() for units in self.units], slices])


def read_compared_set(
    test: Path, params: CompareParams, poses: TrainingPoses | None, protocol: OksProtocol
) -> ComparedSet:
    """Read the COCO JSON `test`, on which models will be scored by `protocol`.

    Its version is in the lock file next to it (``test.lock.json``), if there is one.

    Raises:
        InputError: the file is not the set that its lock file names, or cannot be read or cut.
    """
    people, images = read_project_people(test)
    picture_sha256 = [sha256_file(Path(str(path))) for path in images.path]
    sha256 = set_sha256(people, images, picture_sha256)
    return ComparedSet(
        people=people,
        images=images,
        sha256=sha256,
        version=_version(test, sha256),
        pictures=tuple(sorted({short_sha256(each) for each in picture_sha256})),
        picture_sha256=tuple(picture_sha256),
        units=units_of(images, params.cluster, params.block_frames),
        slices=slices_of(people, images, params.columns, poses),
        protocol=protocol,
    )


def _version(test: Path, sha256: str) -> str:
    path = test.with_suffix(".lock.json")
    if not path.is_file():
        return ""
    lock = read_json(path)
    if not isinstance(lock, dict) or not all(isinstance(lock.get(key), str) for key in ("version", "sha256")):
        raise InputError(f"{path} does not name a test set", expected="version and sha256", got=json.dumps(lock)[:60])
    if lock["sha256"] != sha256:
        raise InputError(
            f"{test} is not the test set that {path.name} names",
            expected=f"sha256 {short_sha256(lock['sha256'])}",
            got=short_sha256(sha256),
            fix="run ingest again: it writes both",
        )
    return str(lock["version"])
