"""The COCO sets of a project as rows of pictures with their people, read as they stand.

Only what a trace shows is looked at, so that a set of another version of this project still says what it can.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from dataengine.errors import InputError
from dataengine.files import read_json


@dataclass(frozen=True, eq=False)
class PictureRow:
    """A picture of a set."""

    table: str
    """Which set: train, val, test, pool, render, mix, ..."""
    id: int
    """In that set."""
    path: Path
    """Normalised, without links followed."""
    image: Mapping[str, Any]
    """Its record."""
    people: tuple[Mapping[str, Any], ...]
    """The records of the people in it."""

    @property
    def sha256(self) -> str:
        """Hash of the picture's file, "" where the set does not say."""
        hashes = {str(person["sha256"]) for person in self.people if person.get("sha256")}
        return hashes.pop() if len(hashes) == 1 else ""

    @property
    def place(self) -> tuple[str, int] | None:
        """The recording and the frame in it; None for a single picture."""
        video, frame = str(self.image.get("video", "")), int(self.image.get("frame", -1))
        return (video, frame) if video and frame >= 0 else None


def read_rows(path: Path, table: str) -> list[PictureRow]:
    """The rows of the set in file `path`; none where the file does not exist. A damaged one is an `InputError`."""
    if not path.is_file():
        return []
    document = read_json(path)
    try:
        people: dict[int, list[Mapping[str, Any]]] = {}
        for annotation in document["annotations"]:
            people.setdefault(int(annotation["image_id"]), []).append(annotation)
        return [
            PictureRow(
                table=table,
                id=int(image["id"]),
                path=normalised(path.parent / str(image["file_name"])),
                image=image,
                people=tuple(people.get(int(image["id"]), ())),
            )
            for image in document["images"]
        ]
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        got = f"missing key {error}" if isinstance(error, KeyError) else str(error)
        raise InputError(f"{path} is damaged", expected="images and annotations", got=got) from error


def normalised(path: Path) -> Path:
    """Absolute and without ``..``; links are not followed, since DVC may put one in a file's place."""
    return Path(os.path.abspath(path))  # noqa: PTH100  resolve follows links
