"""A file of labels that people made: COCO person_keypoints JSON of one import, which is never changed afterwards.

Its images are the pictures that somebody answered, each under ``pictures/`` next to the file; one without people is
confirmed to show nobody. `info` says who labelled, when and from what the file was imported, and has a hash of all the
rest, so that a file that somebody edited is refused. Which of several files counts: `label_store.py`.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dataengine.coco_json import people_document, read_project_people
from dataengine.errors import InputError
from dataengine.files import read_json, short_sha256, write_json
from dataengine.labels.kept_pictures import PICTURE_SHA256, refuse_changed
from dataengine.people import Images, People

LABEL_FORMAT = "dataengine.labels/1"
_NAME = re.compile(r"[0-9a-f]{12}\.json")


@dataclass(frozen=True, eq=False, kw_only=True)
class LabelFile:
    """One import, or the part of it that still counts."""

    path: Path
    people: People  # with columns `sha256` and `annotator`
    images: Images
    sha256: NDArray[np.str_]  # (m,) of the pictures
    annotators: tuple[str, ...]
    """Who labelled, in the order of their names."""
    number: int
    """The import's number: one more than the highest that its folder held."""
    at: str
    """When it was imported, ISO 8601 in UTC."""
    content_sha256: str
    """Hash of pictures and labels."""

    @property
    def order(self) -> tuple[int, str, str]:
        """Later imports have higher ones. Numbers repeat where two branches imported; then time decides."""
        return self.number, self.at, self.path.name

    def take(self, sha256: Collection[str]) -> LabelFile:
        """The labels of some of the pictures."""
        rows = np.isin(self.sha256, sorted(sha256))
        people = self.people.take(np.isin(self.people.image_id, self.images.id[rows]))
        return replace(self, people=people, images=self.images.take(rows), sha256=self.sha256[rows])

    def check_pictures(self) -> None:
        """Raise `InputError` if a picture is missing, or not the one that was labelled."""
        refuse_changed(zip(self.images.path.tolist(), self.sha256.tolist(), strict=True), self.path)


def label_document(
    folder: Path, people: People, images: Images, sha256: Collection[str], nobody: Mapping[str, str]
) -> dict[str, Any]:
    """The content of a label file in `folder`, without number, time and origin.

    Args:
        people: with columns `sha256` and `annotator`.
        images: with the paths of the kept pictures.
        sha256: of each picture.
        nobody: sha256 of each picture without people -> who says so.
    """
    names = sorted({*people.extras["annotator"].tolist(), *nobody.values()})
    said = [{"sha256": key, "annotator": nobody[key]} for key in sorted(nobody)]
    known = {"annotator_names": names, "pictures": list(sha256), "nobody": said}
    document = people_document(folder, people, images, info={"format": LABEL_FORMAT, **known})
    document["info"]["content_sha256"] = _content_sha256(document)
    return document


def write_label_file(
    folder: Path, document: Mapping[str, Any], *, number: int, imported: Mapping[str, Any], info: Mapping[str, Any]
) -> Path:
    """Write the import of that number to `folder`/<hash>.json and return that path.

    Args:
        document: what `label_document` made.
        imported: `at`, and from what.
        info: whatever else is worth keeping.
    """
    digest = document["info"]["content_sha256"]
    path = folder / f"{short_sha256(hashlib.sha256(f'{number} {digest}'.encode()).hexdigest())}.json"
    facts = {**document["info"], "number": number, "imported": dict(imported), **info}
    write_json(path, {**document, "info": facts})
    return path


def is_label_file(path: Path) -> bool:
    """Whether `path` has a label file's name, and is JSON that says that it is one."""
    if not _NAME.fullmatch(path.name) or not path.is_file():
        return False
    document = read_json(path)
    info = document.get("info") if isinstance(document, dict) else None
    return isinstance(info, dict) and info.get("format") == LABEL_FORMAT


def read_label_file(path: Path) -> LabelFile:
    """Read a label file; its pictures are not looked at, see `LabelFile.check_pictures`.

    Raises:
        InputError: it is not a file of `label-import`, or not as that left it.
    """
    document = read_json(path)
    try:
        info = document["info"]
        if info["format"] != LABEL_FORMAT:
            raise ValueError(f"format {info['format']}")
        pictures = np.array(info["pictures"], dtype="<U64").reshape(-1)
        names, number, at = tuple(map(str, info["annotator_names"])), int(info["number"]), str(info["imported"]["at"])
        digest = info["content_sha256"]
        changed = digest != _content_sha256(document) or len(pictures) != len(document["images"])
    except (KeyError, TypeError, ValueError) as error:
        got = f"missing key {error}" if isinstance(error, KeyError) else str(error)
        what = f"{path} is not a file of label-import"
        raise InputError(what, expected=f"format {LABEL_FORMAT}", got=got, fix="import the labels") from error
    if changed:
        fix = "bring it back from git; a correction is imported as labels of its own"
        raise InputError(f"{path} was changed after it was imported", fix=fix)
    people, images = read_project_people(path)
    hashes = pictures[images.rows_of(people.image_id)]
    return LabelFile(
        path=path,
        people=people.with_extra(PICTURE_SHA256, hashes),
        images=images,
        sha256=pictures,
        annotators=names,
        number=number,
        at=at,
        content_sha256=digest,
    )


def _content_sha256(document: Mapping[str, Any]) -> str:
    """Hash of what was labelled and by whom."""
    info = document["info"]
    content = [info["pictures"], info["nobody"], info["annotator_names"], document["images"], document["annotations"]]
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()
