"""What a FiftyOne dataset is built from: the tables of a finished run, each with the sha256 of its pictures.

`selection_tables` reads what `select` wrote; `curate` adds what other stages wrote (`dataengine.active.curate`).
`PictureTable` is one kind of people in their pictures, `RunTables` all of them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dataengine.errors import InputError
from dataengine.files import sha256_file
from dataengine.people import Images, People

from ..manifest.files import MANIFEST, Selection, read_manifest, read_selection
from ..query.embeddings import joint_embedding
from ..query.pick_inputs import PICK_INPUTS, PickInputs

STANDING = ("cluster", "rarity", "rare", "novel")
"""Columns of people that say where their poses stand among the training people's."""


@dataclass(frozen=True, eq=False)
class PictureTable:
    """People, and the pictures they stand in."""

    people: People
    images: Images
    sha256: tuple[str, ...]
    """The hash of each picture."""

    def with_people(self, people: People) -> PictureTable:
        """The same with other columns."""
        return PictureTable(people, self.images, self.sha256)

    def rows_by_picture(self) -> list[NDArray[np.int64]]:
        """Rows of `people` for each picture."""
        if not len(self.images):
            return []
        picture = self.images.rows_of(self.people.image_id)
        order = np.argsort(picture, kind="stable")
        return np.split(order, np.searchsorted(picture[order], np.arange(1, len(self.images))))


@dataclass(frozen=True, kw_only=True)
class AskedBefore:
    """What the ledger and the label store know of a picture."""

    asked_round: int | None = None
    """The last round that asked for it; None where none did."""
    answered_round: int | None = None
    """The round that its labels answer; None for labels that answer no recorded one."""
    answered_by: str | None = None
    """Who gave the labels that count."""


@dataclass(frozen=True, eq=False, kw_only=True)
class RunTables:
    """All that is shown of a run."""

    digest: str
    """Two runs that show something else have other digests."""
    selection: Path
    """Folder that `select` wrote, relative to the project."""
    selection_sha256: str
    """What names the selection in it."""
    picks: Mapping[str, Mapping[str, Any]]
    """sha256 of a picture -> its entry in the manifest of picks."""
    labelled: PictureTable
    scored: PictureTable
    rendered: PictureTable | None = None
    pseudo: PictureTable | None = None
    embeddings: Mapping[str, NDArray[np.float32]] | None = None
    """Where the `labelled` and the `scored` people lie, (n, d) each."""
    round: int | None = None
    history: Mapping[str, AskedBefore] = field(default_factory=dict)
    """sha256 of a picture -> in which round it was asked for and answered; only of those that were."""
    differ_below: float = 0.75
    """OKS between the answers of champion and student from which down they differ."""

    def present_paths(self) -> list[str]:
        """Paths of all pictures."""
        tables = (self.labelled, self.scored, self.rendered, self.pseudo)
        return [path for table in tables if table is not None for path in table.images.path.tolist()]


def selection_tables(folder: Path) -> RunTables:
    """What `select` wrote into `folder`.

    Raises:
        InputError: a file is missing or damaged.
    """
    selection = read_selection(folder)
    return RunTables(
        digest=selection.digest,
        selection=folder,
        selection_sha256=selection.digest,
        picks=selection.picks,
        labelled=PictureTable(selection.labelled, selection.labelled_images, tuple(selection.labelled_sha256)),
        scored=PictureTable(selection.scored, selection.scored_images, tuple(selection.scored_sha256)),
        embeddings=_embeddings(folder, selection) if (folder / PICK_INPUTS).is_file() else None,
    )


def _embeddings(folder: Path, selection: Selection) -> dict[str, NDArray[np.float32]]:
    """Where the people lie among each other in the distances that the picks were made by."""
    kept, weight = PickInputs.read(folder / PICK_INPUTS), read_manifest(folder / MANIFEST)["appearance_weight"]
    scored, labelled = len(selection.scored), len(selection.labelled)
    if len(kept.pose) != scored + labelled:
        wanted, fix = str(scored + labelled), "run `dataengine select` again"
        raise InputError(
            f"{folder / PICK_INPUTS} is of other people", expected=wanted, got=str(len(kept.pose)), fix=fix
        )
    points = joint_embedding(kept.pose, kept.appearance, weight).astype(np.float32)
    return {"scored": points[:scored], "labelled": points[scored:]}


def hashed(people: People, images: Images, known: Mapping[str, str]) -> PictureTable:
    """A table of the pictures that are there and show somebody; `known` maps paths to hashes that need no reading."""
    there = [path in known or Path(path).is_file() for path in images.path.tolist()]
    images = images.take(np.array(there, dtype=bool) & np.isin(images.id, people.image_id))
    people = people.take(np.isin(people.image_id, images.id))
    digests = tuple(known.get(path) or sha256_file(Path(path)) for path in images.path.tolist())
    return PictureTable(people, images, digests)


def known_hashes(tables: RunTables) -> dict[str, str]:
    """Path -> sha256 of the pictures whose hash is on file."""
    both = (tables.labelled, tables.scored)
    return {path: key for t in both for path, key in zip(t.images.path.tolist(), t.sha256, strict=True)}


def stacked(people: People, column: str) -> NDArray[Any]:
    """An extra column of lists, as JSON brings them back, as one array."""
    return np.array(people.extras[column].tolist())
