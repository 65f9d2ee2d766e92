"""What `select` leaves on disk, and everything that its FiftyOne view is built from.

In one folder: `to_label.json`, the manifest of the picks, keyed by the images' sha256; `scored.json`, every candidate
with the student's keypoints, the teacher's and the uncertainties; `labelled.json`, the ground truth together with
the student's keypoints; `pick_inputs.npz` (`query/pick_inputs.py`), what the picks were made by. The two tables are
COCO person_keypoints files. The same inputs give the same bytes.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from dataengine.coco_json import read_project_people, write_people
from dataengine.errors import InputError
from dataengine.files import read_json, sha256_file, write_json
from dataengine.people import Images, People

MANIFEST, SCORED, LABELLED, SHEET = "to_label.json", "scored.json", "labelled.json", "picks.jpg"
MANIFEST_FORMAT = "dataengine.to-label/1"
SCORE_NAMES = (
    *("spread", "entropy", "peaks", "dropout", "flip", "jitter", "second", "jump", "implausible", "teacher", "rarity"),
)
"""The scores that may be combined, as files, params and FiftyOne name them: uncertainties and the rarity of the pose.
Those that were not asked for are not in the files."""
SCORED_COLUMNS = ("sha256", "uncertainty", "worth", "student_confidence", "teacher_px", "teacher_visibility", "rarity")
"""Extra columns of the scored people that are always there."""


@dataclass(frozen=True, eq=False, kw_only=True)
class Selection:
    """A selection as read back. Every image in the two tables has at least one person; `scored` may have none."""

    digest: str
    """sha256 over the three files: different selections have different digests."""
    picks: Mapping[str, Mapping[str, Any]]
    """sha256 of an image -> its entry in the manifest."""
    scored: People
    scored_images: Images
    labelled: People
    labelled_images: Images

    @property
    def scored_sha256(self) -> list[str]:
        """Hash of each row of `scored_images`."""
        return hashes_of_images(self.scored, self.scored_images)

    @property
    def labelled_sha256(self) -> list[str]:
        """Hash of each row of `labelled_images`."""
        return hashes_of_images(self.labelled, self.labelled_images)


def hashes_of_images(people: People, images: Images) -> list[str]:
    """The sha256 (m,) of each image, from column `sha256` of the people in it; `InputError` where one has none."""
    hashes = people.extras.get("sha256", np.full(len(people), None)).tolist()
    by_row = dict(zip(images.rows_of(people.image_id).tolist(), hashes, strict=True))
    if len(by_row) < len(images) or not all(isinstance(each, str) for each in hashes):
        expected = "people with the sha256 of their picture in every picture"
        raise InputError("a table of the selection is damaged", expected=expected, fix="run `dataengine select` again")
    return [by_row[row] for row in range(len(images))]


def write_selection(
    folder: Path, header: Mapping[str, Any], picks: Mapping[str, Any], tables: Mapping[str, tuple[People, Images]]
) -> None:
    """Write the manifest and the two tables (`SCORED`, `LABELLED`) into `folder`.

    Args:
        header: how the picks came about: strategy, budget, seed, the student's hash.
        picks: sha256 of an image -> what the manifest says about it.
        tables: file name -> people with column `sha256`, and their images.
    """
    for name, (people, images) in tables.items():
        write_people(folder / name, people, images)
    entries = {sha256: picks[sha256] for sha256 in sorted(picks)}
    write_json(
        folder / MANIFEST,
        {"format": MANIFEST_FORMAT, **header, "content_sha256": content_sha256(entries), "images": entries},
    )


def content_sha256(entries: Mapping[str, Any]) -> str:
    """Hash of the manifest's entries, whatever their order."""
    return hashlib.sha256(json.dumps(entries, sort_keys=True).encode()).hexdigest()


def read_manifest(path: Path) -> dict[str, Any]:
    """Read and check a manifest.

    Raises:
        InputError: not a manifest of this format, or its entries are not those it was written with.
    """
    manifest = read_json(path)
    if not isinstance(manifest, dict) or manifest.get("format") != MANIFEST_FORMAT:
        got = manifest.get("format") if isinstance(manifest, dict) else type(manifest).__name__
        raise InputError(f"{path} is not a manifest of picks", expected=f"format {MANIFEST_FORMAT}", got=str(got))
    if manifest.get("content_sha256") != content_sha256(manifest.get("images", {})):
        raise InputError(f"{path} was changed after it was written", fix="run `dataengine select` again")
    return manifest


def selection_sha256(folder: Path) -> str:
    """What rounds and imported labels name the selection in `folder` by: sha256 over the hashes of its files.

    Raises:
        InputError: a file is missing.
    """
    missing = [name for name in (MANIFEST, SCORED, LABELLED) if not (folder / name).is_file()]
    if missing:
        raise InputError(f"{folder / missing[0]} does not exist", fix="run `dataengine select`")
    files = [sha256_file(folder / name) for name in (MANIFEST, SCORED, LABELLED)]
    return hashlib.sha256("".join(files).encode()).hexdigest()


def read_selection(folder: Path) -> Selection:
    """Read a selection folder. Image paths may lead to other stages' folders, but not out of the project.

    Raises:
        InputError: a file is missing or damaged.
    """
    manifest = read_manifest(folder / MANIFEST)
    scored, scored_images = read_project_people(folder / SCORED)
    if not len(scored):  # a file without people has no columns either
        scored = scored.replace(extras={name: np.empty(0, dtype=object) for name in SCORED_COLUMNS})
    if not set(manifest["images"]) <= set(map(str, scored.extras.get("sha256", np.empty(0)).tolist())):
        expected, fix = "every pick among the people", "run `dataengine select` again"
        raise InputError(f"{folder / SCORED} is not the table of {MANIFEST}", expected=expected, fix=fix)
    labelled, labelled_images = read_project_people(folder / LABELLED)
    return Selection(
        digest=selection_sha256(folder),
        picks=manifest["images"],
        scored=scored,
        scored_images=scored_images,
        labelled=labelled,
        labelled_images=labelled_images,
    )
