"""What is written while a film runs, and from where it goes on.

In a folder `.partial` lie `images.jsonl` and `annotations.jsonl`, one COCO record a line, and `state.npz`: how much of
both is valid, the figures so far, the two chunks that still matter, and the state of detector and tracks. The state is
replaced atomically after the lines are on the disk, so whenever the process ends, the next one cuts off what came after
the last state and goes on with the frame that it names. `finish` joins the lines into `labels.json`, line by line.
"""

import json
import os
import shutil
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import IO, Any
from zipfile import BadZipFile

import numpy as np

from dataengine.coco_json import PERSON_CATEGORY, people_document
from dataengine.files import atomic_path
from dataengine.people import Images, People
from dataengine.typed_record import RECORDS

from .chunks import Chunk
from .locating import Resume

PARTIAL, IMAGES, ANNOTATIONS, STATE = ".partial", "images.jsonl", "annotations.jsonl", "state.npz"
ANNOTATIONS_KEY = '"annotations": ['
COUNTS = ("frames", "images", "annotations", "people_found", "joints_found", "joints_accepted")


@dataclass(frozen=True)
class FilmProgress:
    """How far a film is written."""

    fingerprint: str
    """A hash of the film and of all that decides the labels; those of another are not continued."""
    counts: Mapping[str, int] = field(default_factory=lambda: dict.fromkeys(COUNTS, 0))
    dropped: Mapping[str, int] = field(default_factory=dict)
    """People by why they were dropped."""
    reasons: Mapping[str, int] = field(default_factory=dict)
    """Joints by what became of them."""
    accepted: list[int] = field(default_factory=lambda: [0] * 17)
    """People with each joint accepted."""
    bytes_written: Mapping[str, int] = field(default_factory=lambda: {IMAGES: 0, ANNOTATIONS: 0})
    resume: Resume | None = None
    """None before the first frame."""


class Journal:
    """The open files of one film."""

    def __init__(self, folder: Path, fingerprint: str, teachers: int) -> None:
        """Goes on in `folder`/.partial where that is of the same `fingerprint`, else begins it."""
        self._folder = folder / PARTIAL
        self.progress, self.before, self.pending = _read_state(self._folder / STATE, fingerprint, teachers)
        if self.progress.resume is None:
            shutil.rmtree(self._folder, ignore_errors=True)
        self._folder.mkdir(parents=True, exist_ok=True)
        self._files: dict[str, IO[bytes]] = {}
        for name in (IMAGES, ANNOTATIONS):
            self._files[name] = (self._folder / name).open("ab")
            self._files[name].truncate(self.progress.bytes_written[name])

    def add(self, people: People, images: Images, *, first_id: int) -> tuple[int, int]:
        """Write people and the images that they stand in; how many images and people that were."""
        shown = images.take(np.isin(images.id, people.image_id))
        document = people_document(Path(), people, shown)
        for number, record in enumerate(document["annotations"]):
            record["id"] = first_id + number
        for name, records in ((IMAGES, document["images"]), (ANNOTATIONS, document["annotations"])):
            self._files[name].write("".join(json.dumps(r, allow_nan=False) + "\n" for r in records).encode())
        return len(shown), len(people)

    def commit(self, progress: FilmProgress, before: Chunk | None, pending: Chunk) -> FilmProgress:
        """Make all that was added valid, and go on from `progress`, which is returned with the files' lengths."""
        for file in self._files.values():
            file.flush()
            os.fsync(file.fileno())
        written = {name: file.tell() for name, file in self._files.items()}
        committed = replace(progress, bytes_written=written)
        arrays: dict[str, Any] = {"progress": np.array(json.dumps(asdict(committed))), **pending.arrays("pending_")}
        arrays |= {} if before is None else before.arrays("before_")
        with atomic_path(self._folder / STATE) as partial:
            np.savez(partial, **arrays)
        return committed

    def close(self) -> None:
        """Close the files; what was committed stays."""
        for file in self._files.values():
            file.close()

    def finish(self, path: Path, info: Mapping[str, Any]) -> None:
        """Write `path`, COCO JSON of all that was added; the partial folder goes with `discard`."""
        self.close()
        with atomic_path(path) as partial, partial.open("w", encoding="utf-8") as out:
            out.write('{"info": ' + json.dumps(dict(info)) + ',\n"categories": ' + json.dumps([PERSON_CATEGORY]))
            for key, name in (("images", IMAGES), ("annotations", ANNOTATIONS)):
                out.write(f',\n"{key}": [')
                for number, line in enumerate(_lines(self._folder / name)):
                    out.write((",\n" if number else "\n") + line)
                out.write("\n]")
            out.write("}\n")

    def discard(self) -> None:
        """Remove the partial folder."""
        shutil.rmtree(self._folder, ignore_errors=True)


def annotation_records(labels: Path) -> Iterator[dict[str, Any]]:
    """The annotations of a file that `finish` wrote, one after the other, in the order of frames."""
    inside = False
    for line in _lines(labels):
        if not inside:
            inside = line.startswith(ANNOTATIONS_KEY)
        elif line.startswith("{"):
            yield json.loads(line.removesuffix(","))


def _lines(path: Path) -> Iterator[str]:
    with path.open(encoding="utf-8") as file:
        for line in file:
            yield line.rstrip("\n")


def _read_state(path: Path, fingerprint: str, teachers: int) -> tuple[FilmProgress, Chunk | None, Chunk | None]:
    fresh = FilmProgress(fingerprint)
    try:
        with np.load(path, allow_pickle=False) as arrays:
            progress = RECORDS.record(FilmProgress, json.loads(str(arrays["progress"])), str(path))
            if progress.fingerprint != fingerprint:
                return fresh, None, None
            chunks = [
                Chunk.of_arrays(arrays, prefix, teachers) if f"{prefix}frame" in arrays else None
                for prefix in ("before_", "pending_")
            ]
            return progress, chunks[0], chunks[1]
    except (FileNotFoundError, KeyError, ValueError, BadZipFile):
        return fresh, None, None
