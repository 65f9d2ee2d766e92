"""Every picture that a project's files name, with its hash where one of them says it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from dataengine.errors import InputError
from dataengine.files import read_json
from dataengine.labels.label_file import LabelFile
from dataengine.labels.label_store import read_store
from dataengine.leakage.held_out import HELD_OUT_NAME
from dataengine.rounds.asked import AskedRound, read_rounds
from dataengine.rounds.places import ProjectPlaces

from .tables import PictureRow, normalised, read_rows

SPLITS = ("train", "val", "test")
SETS: Mapping[str, tuple[str, str, str]] = {
    **{split: ("ingest", "--out", f"{split}.json") for split in (*SPLITS, "pool")},
    "render": ("render", "--out", "people.json"),
    "mix": ("mix", "--out", "train.json"),
    "candidates": ("pseudo-label", "--out", "candidates.json"),
    "scored": ("select", "--out", "scored.json"),
    "labelled": ("select", "--out", "labelled.json"),
}
"""Table -> the stage and the option that name its folder, and its file there."""
SOURCES = (*SPLITS, "pool", "render")
"""The tables that pictures enter the project by; the others repeat them."""


@dataclass(frozen=True)
class CatalogueEntry:
    """A picture that a file names."""

    where: str
    """Which: a table, "labels", "held out", "round 3" or "left out"."""
    id: str
    """Its image id there, "" where it has none."""
    path: Path | None
    sha256: str
    """Hash of the file, "" where nothing says it."""


class Catalogue:
    """What the files of a project say about pictures. Each file is read when it is first asked for."""

    def __init__(self, places: ProjectPlaces) -> None:
        self.places = places
        self._rows: dict[str, list[PictureRow]] = {}

    def file(self, stage: str, option: str, name: str = "") -> Path | None:
        """A file or folder of a stage; None where dvc.yaml does not name it, or it was not made."""
        folder = self.places.of(stage, option)
        path = None if folder is None else folder / name
        return path if path is not None and path.exists() else None

    def rows(self, table: str) -> list[PictureRow]:
        """The rows of one of `SETS`; none where it was not made."""
        if table not in self._rows:
            path = self.file(*SETS[table])
            self._rows[table] = [] if path is None else read_rows(path, table)
        return self._rows[table]

    @cached_property
    def rounds(self) -> list[AskedRound]:
        """All recorded rounds."""
        folder = self.file("select", "--rounds")
        return [] if folder is None else read_rounds(folder)

    @cached_property
    def label_files(self) -> list[LabelFile]:
        """All imports of the label store."""
        folder = self.file("select", "--labels")
        return [] if folder is None else read_store(folder)

    @cached_property
    def held_out(self) -> list[dict[str, object]]:
        """The pictures of held_out.json: split, sha256, video, frame, video_sha256."""
        path = self.file("ingest", "--out", HELD_OUT_NAME)
        if path is None:
            return []
        try:
            wanted = ("split", "sha256", "video", "frame", "video_sha256")
            return [{key: picture[key] for key in wanted} for picture in read_json(path)["pictures"]]
        except (KeyError, TypeError) as error:
            raise InputError(f"{path} is damaged", fix="run `dvc repro ingest`") from error

    @cached_property
    def findings(self) -> list[dict[str, object]]:
        """What ingest's checks found about pictures and people, and the frames left out of the pool."""
        path = self.file("ingest", "--report", "quality.json")
        if path is None:
            return []
        document = read_json(path)
        try:
            return [*document["findings"], *(document.get("pool") or {}).get("frames", [])]
        except (KeyError, TypeError, AttributeError) as error:
            raise InputError(f"{path} is damaged", fix="run `dvc repro ingest`") from error

    @cached_property
    def entries(self) -> list[CatalogueEntry]:
        """All pictures, those with a file first; hashes as far as a file says them."""
        sha256 = self._stated_hashes()
        entries = [
            CatalogueEntry(table, str(row.id), row.path, row.sha256 or sha256.get(row.path, ""))
            for table in SOURCES
            for row in self.rows(table)
        ]
        entries += [
            CatalogueEntry("labels", "", normalised(Path(path)), str(key))
            for file in self.label_files
            for path, key in zip(file.images.path.tolist(), file.sha256.tolist(), strict=True)
        ]
        entries += [
            CatalogueEntry("left out", "", normalised(self.places.root / str(found["file"])), "")
            for found in self.findings
            if found.get("table", "images") == "images" and found.get("severity", "quarantine") == "quarantine"
        ]
        return [*entries, *self._hashes_alone()]

    def _stated_hashes(self) -> dict[Path, str]:
        """Path -> sha256 as `select` and the renderer stated it."""
        stated = {row.path: row.sha256 for table in ("scored", "labelled") for row in self.rows(table) if row.sha256}
        folder = self.file("render", "--out", "sidecars")
        for row in self.rows("render"):
            sidecar = folder / f"{row.path.stem}.json" if folder else None
            if sidecar is not None and sidecar.is_file():
                stated[row.path] = str(read_json(sidecar).get("image_sha256", ""))
        return stated

    def _hashes_alone(self) -> Iterator[CatalogueEntry]:
        for picture in self.held_out:
            yield CatalogueEntry("held out", "", None, str(picture["sha256"]))
        for asked in self.rounds:
            for sha256, pick in asked.picks.items():
                name = Path(str(pick.get("image", sha256))).name
                yield CatalogueEntry(f"round {asked.number}", "", Path(name), sha256)
