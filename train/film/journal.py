"""What is written while a film runs, and from where it goes on.

In a folder `.partial` lie `images.jsonl` and `annotations.jsonl`, one COCO record a line, and `state.npz`: how much of
both is valid, the figures so far, the two chunks that still matter, and the state of detector and tracks. The state is
replaced atomically after the lines are on the disk, so whenever the process ends, the next one cuts off what came after
the last state and goes on with the frame that it names. `finish` joins the lines into `labels.json`, line by line.
"""

import json
import shutil
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any
from zipfile import BadZipFile

import numpy as np

from dataengine.files import atomic_path
from dataengine.films.coco_lines import ANNOTATIONS, IMAGES, CocoLines
from dataengine.people import Images, People
from dataengine.typed_record import RECORDS

from .chunks import Chunk
from .locating import Resume

PARTIAL, STATE = ".partial", "state.npz"
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
        self._lines = CocoLines(self._folder, self.progress.bytes_written)

    def add(self, people: People, images: Images, *, first_id: int) -> tuple[int, int]:
        """Write people and the images that they stand in; how many images and people that were."""
        shown = images.take(np.isin(images.id, people.image_id))
        self._lines.add(people, shown, first_id=first_id)
        return len(shown), len(people)

    def commit(self, progress: FilmProgress, before: Chunk | None, pending: Chunk) -> FilmProgress:
        """Make all that was added valid, and go on from `progress`, which is returned with the files' lengths."""
        committed = replace(progress, bytes_written=self._lines.synced())
        arrays: dict[str, Any] = {"progress": np.array(json.dumps(asdict(committed))), **pending.arrays("pending_")}
        arrays |= {} if before is None else before.arrays("before_")
        with atomic_path(self._folder / STATE) as partial:
            np.savez(partial, **arrays)
        return committed

    def close(self) -> None:
        """Close the files; what was committed stays."""
        self._lines.close()

    def finish(self, path: Path, info: Mapping[str, Any]) -> None:
        """Write `path`, COCO JSON of all that was added; the partial folder goes with `discard`."""
        self._lines.finish(path, info)

    def discard(self) -> None:
        """Remove the partial folder."""
        shutil.rmtree(self._folder, ignore_errors=True)


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
