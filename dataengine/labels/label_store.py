"""The folder of all that people labelled: ``<hash>.json`` for each import (git), ``pictures/`` beneath them (DVC).

The folder only grows: `add_labels` never changes a file that is there. What is said of a picture by several imports is
settled by one rule: **the latest import counts, whole; the earlier ones stay as history**. `without_superseded` applies
it. Imports are in the order of their numbers, then of their times (see `LabelFile.order`).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dataengine.files import json_files, locked_folder
from dataengine.labels.kept_pictures import PICTURES, keep
from dataengine.labels.label_file import LabelFile, label_document, read_label_file, write_label_file
from dataengine.people import Images, People


@dataclass(frozen=True, eq=False, kw_only=True)
class Added:
    """What came of adding labels."""

    path: Path
    """The file that holds them."""
    is_new: bool
    """False where the same labels were there already, and count."""
    superseded: Sequence[tuple[LabelFile, int]]
    """Imports that counted for some of the pictures until now, with the number of those pictures."""


def read_store(folder: Path) -> list[LabelFile]:
    """All imports in `folder`, the earliest first; none where the folder does not exist.

    Raises:
        InputError: a JSON file in it is not a label file, or was changed.
    """
    return sorted((read_label_file(path) for path in json_files(folder)), key=lambda file: file.order)


def latest(files: Sequence[LabelFile]) -> dict[str, LabelFile]:
    """SHA-256 of each labelled picture -> the file whose labels count."""
    ordered = sorted(files, key=lambda file: file.order)
    return {sha256: file for file in ordered for sha256 in file.sha256.tolist()}


def without_superseded(files: Sequence[LabelFile]) -> list[LabelFile]:
    """The files, in their order, each with the pictures alone of which it is the latest; a file named twice once."""
    by_path = {file.path.resolve(): file for file in files}
    counts = latest(list(by_path.values()))
    return [file.take([key for key in file.sha256.tolist() if counts[key] is file]) for file in by_path.values()]


def add_labels(
    folder: Path,
    people: People,
    images: Images,
    sha256: NDArray[np.str_],
    *,
    nobody: Mapping[str, str],
    origin: Mapping[str, Any],
    info: Mapping[str, Any],
) -> Added:
    """Keep labels with their pictures. One process at a time; the label file is written last.

    Args:
        folder: the store.
        people: with columns `sha256` and `annotator`.
        images: with the paths where the pictures lie now; a picture that the store has is not looked for there.
        sha256: (m,) of these pictures, each once.
        nobody: sha256 of each picture without people -> who says so.
        origin: from what the labels were imported.
        info: whatever else is worth keeping.

    Raises:
        InputError: a picture is not there any more, or a file of the store is damaged.
    """
    with locked_folder(folder):
        known = read_store(folder)
        sources = {key: Path(path) for key, path in zip(sha256.tolist(), images.path.tolist(), strict=True)}
        kept = keep(sources, folder / PICTURES)
        images = images.replace(path=[str(kept[key]) for key in sha256.tolist()])
        document = label_document(folder, people, images, sha256.tolist(), nobody)
        counting = latest(known)
        before = Counter(counting[key].path for key in sha256.tolist() if key in counting)
        by_path = {file.path: file for file in known}
        for path, count in before.items():
            if count == len(sha256) and by_path[path].content_sha256 == document["info"]["content_sha256"]:
                return Added(path=path, is_new=False, superseded=())
        superseded = [(by_path[path], count) for path, count in before.items()]
        path = write_label_file(
            folder,
            document,
            number=1 + max((file.number for file in known), default=0),
            imported={"at": datetime.now(UTC).isoformat(timespec="seconds"), **origin},
            info={**info, "supersedes": {file.path.name: count for file, count in superseded}},
        )
    return Added(path=path, is_new=True, superseded=superseded)
