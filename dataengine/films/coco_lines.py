"""People written as they come, one COCO record a line, and a whole file made of the lines at the end.

In a folder lie `images.jsonl` and `annotations.jsonl`, so memory does not grow with what is written. `finish` joins
them into COCO JSON with one record a line, which `annotation_records` reads back in the same way.
"""

import json
import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import IO, Any

from dataengine.coco_json import PERSON_CATEGORY, people_document
from dataengine.files import atomic_path, write_faults_named
from dataengine.people import Images, People

IMAGES, ANNOTATIONS = "images.jsonl", "annotations.jsonl"
ANNOTATIONS_KEY = '"annotations": ['


class CocoLines:
    """The open files of lines in one folder."""

    def __init__(self, folder: Path, valid_bytes: Mapping[str, int] | None = None) -> None:
        """`valid_bytes` says how much of each file that is there counts: what comes after is cut off; None: nothing."""
        self._folder = folder
        self._files: dict[str, IO[bytes]] = {}
        with write_faults_named(folder):
            folder.mkdir(parents=True, exist_ok=True)
            for name in (IMAGES, ANNOTATIONS):
                self._files[name] = (folder / name).open("ab")
                self._files[name].truncate(0 if valid_bytes is None else valid_bytes[name])

    def add(self, people: People, images: Images, *, first_id: int) -> None:
        """Write the images and the people, whose annotations are numbered from `first_id`.

        Paths of images are written as they are, so they are to be relative to the folder that readers start from.
        """
        document = people_document(Path(), people, images)
        for number, record in enumerate(document["annotations"]):
            record["id"] = first_id + number
        for name, records in ((IMAGES, document["images"]), (ANNOTATIONS, document["annotations"])):
            lines = "".join(json.dumps(r, allow_nan=False) + "\n" for r in records)
            with write_faults_named(self._folder / name):
                self._files[name].write(lines.encode())

    def synced(self) -> dict[str, int]:
        """See to it that all lines are on the disk; the files' lengths."""
        for name, file in self._files.items():
            with write_faults_named(self._folder / name):
                file.flush()
                os.fsync(file.fileno())
        return {name: file.tell() for name, file in self._files.items()}

    def close(self) -> None:
        """Close the files, which writes what is still in memory."""
        for name, file in self._files.items():
            with write_faults_named(self._folder / name):
                file.close()

    def finish(self, path: Path, info: Mapping[str, Any]) -> None:
        """Close the files and write `path`, COCO JSON of all their lines, atomically."""
        self.close()
        with atomic_path(path) as partial, partial.open("w", encoding="utf-8") as out:
            out.write('{"info": ' + json.dumps(dict(info)) + ',\n"categories": ' + json.dumps([PERSON_CATEGORY]))
            for key, name in (("images", IMAGES), ("annotations", ANNOTATIONS)):
                out.write(f',\n"{key}": [')
                for number, line in enumerate(_lines(self._folder / name)):
                    out.write((",\n" if number else "\n") + line)
                out.write("\n]")
            out.write("}\n")


def annotation_records(path: Path) -> Iterator[dict[str, Any]]:
    """The annotations of a file that `finish` wrote, one after the other, in the order in which they were added."""
    inside = False
    for line in _lines(path):
        if not inside:
            inside = line.startswith(ANNOTATIONS_KEY)
        elif line.startswith("{"):
            yield json.loads(line.removesuffix(","))


def _lines(path: Path) -> Iterator[str]:
    with path.open(encoding="utf-8") as file:
        for line in file:
            yield line.rstrip("\n")
