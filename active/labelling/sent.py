"""The record of what went out to be labelled: `<name>.sent.json` next to the file for the annotation tool.

A COCO person_keypoints file of the same pictures, in the same order. Its people are, by column `role`, the pre-labels
(`PRELABEL`: where the model put each joint) and the truth of the gold frames (`GOLD`), which the tool must not see.
It holds all that an import needs, so a selection may be made again while people are still labelling the last one. The
pictures go out as copies, in `<name>.pictures/` next to it, since the pool may be made again meanwhile, too.
"""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from dataengine.coco_json import read_people, write_people
from dataengine.errors import InputError
from dataengine.files import fresh_folder, read_json, sha256_file, short_sha256
from dataengine.people import Images, People
from dataengine.terminal.folders import would_be_replaced

SENT_FORMAT, SENT_SUFFIX, PICTURES_SUFFIX = "dataengine.sent/1", ".sent.json", ".pictures"
ROLE, PRELABEL, GOLD = "role", "prelabel", "gold"
_COPY = re.compile(r"\d{4,}_(?P<content>[0-9a-f]{12})\.\w+")
"""The name of a copy, as `with_copied_pictures` gives it."""


@dataclass(frozen=True, eq=False, kw_only=True)
class Sent:
    """What went out."""

    images: Images
    sha256: NDArray[np.str_]  # (m,) of the pictures
    prelabels: People  # with column `sha256`
    gold: People  # the truth of the gold frames, with column `sha256`
    selection_sha256: str = ""
    """The digest of the selection that went out."""

    @property
    def gold_sha256(self) -> frozenset[str]:
        """The pictures with known truth."""
        return frozenset(self.gold.extras["sha256"].tolist())


def sent_path(exported: Path) -> Path:
    """Where the record of the exported file lies: x.sent.json next to x.json."""
    return exported.with_name(f"{exported.stem}{SENT_SUFFIX}")


def pictures_path(exported: Path) -> Path:
    """Where the pictures of the exported file lie: x.pictures/ next to x.json."""
    return exported.with_name(f"{exported.stem}{PICTURES_SUFFIX}")


def refuse_taken(exported: Path, selection: Path, digest: str) -> None:
    """Raise `InputError` where an export of the selection in the folder `selection` would cost somebody something.

    That is where the file, or the folder of pictures, holds what no export wrote; where the record of another selection
    lies, without which what is labelled of that one cannot be imported; and in the selection, which is made again.
    """
    place, record, pictures = exported.resolve(), sent_path(exported), pictures_path(exported)
    if selection.resolve() in place.parents:
        fix = "name a file outside, where it stays when `select` runs again"
        raise InputError(f"--out {exported} lies in --selection", expected="a file of its own", fix=fix)
    if record.is_file() and _selection_of(record) != digest:
        fix = "name another file, or remove the record once those labels are imported"
        raise InputError(f"{record} is the record of another selection, which may still be labelled", fix=fix)
    if exported.exists() and not record.is_file():
        raise would_be_replaced(exported, "a file of label-export, with its record", "one without")
    inside = sorted(each.name for each in pictures.iterdir()) if pictures.is_dir() else []
    foreign = next((name for name in inside if not _COPY.fullmatch(name)), None)
    if foreign is not None:
        raise would_be_replaced(pictures, "copies of pictures that label-export made", foreign)


def _selection_of(record: Path) -> object:
    """The digest that a record gives; None where it gives none."""
    document = read_json(record)
    info = document.get("info") if isinstance(document, dict) else None
    return info.get("selection_sha256") if isinstance(info, dict) else None


def with_copied_pictures(sent: Sent, folder: Path) -> Sent:
    """What goes out, its pictures copied into `folder`, which they replace.

    Their names start with their number, since tools sort by name: the most wanted first.

    Raises:
        InputError: a picture is not the one that was selected.
    """
    names = [
        f"{number:04d}_{short_sha256(sha256)}{Path(path).suffix.lower()}"
        for number, (path, sha256) in enumerate(zip(sent.images.path.tolist(), sent.sha256.tolist(), strict=True), 1)
    ]
    with fresh_folder(folder) as partial:
        for path, sha256, name in zip(sent.images.path.tolist(), sent.sha256.tolist(), names, strict=True):
            content = Path(path).read_bytes() if Path(path).is_file() else b""
            if hashlib.sha256(content).hexdigest() != sha256:
                fault = "has changed since it was selected" if content else "does not exist"
                raise InputError(f"image {path} {fault}", fix="run `dataengine select` again")
            (partial / name).write_bytes(content)
    return replace(sent, images=sent.images.replace(path=[str(folder / name) for name in names]))


def is_called_by_content(path: Path) -> bool:
    """Whether the file has a name as a copy gets it, and holds what the name says: no other picture can be meant."""
    found = _COPY.fullmatch(path.name)
    return found is not None and found["content"] == short_sha256(sha256_file(path))


def write_sent(path: Path, sent: Sent, selection: str) -> None:
    """Write a record; `selection` is the digest of the selection that went out."""
    roles = {PRELABEL: sent.prelabels, GOLD: sent.gold}
    people = People.concat(people.with_extra(ROLE, [role] * len(people)) for role, people in roles.items())
    info = {"format": SENT_FORMAT, "selection_sha256": selection, "pictures": sent.sha256.tolist()}
    write_people(path, people, sent.images, info=info)


def read_sent(path: Path) -> Sent:
    """Read a record.

    Raises:
        InputError: the file is missing, or is not a record of `label-export`.
    """
    document = read_json(path)
    info = document.get("info") if isinstance(document, dict) else None
    if not isinstance(info, dict) or info.get("format") != SENT_FORMAT:
        raise InputError(f"{path} is not a record of label-export", expected=f"format {SENT_FORMAT}")
    people, images = read_people(path)  # record and pictures may have been moved, together
    pictures = info.get("pictures")
    if not isinstance(pictures, list) or len(pictures) != len(images) or not all(isinstance(p, str) for p in pictures):
        raise InputError(f"{path} is damaged", expected="the sha256 of every image in info.pictures")
    role = people.extras.get(ROLE, np.full(len(people), None))
    if not np.isin(role.astype(str), (PRELABEL, GOLD)).all():
        raise InputError(f"{path} is damaged", expected=f"role {PRELABEL} or {GOLD} for every person")
    sha256 = np.array(pictures, dtype="<U64")
    people = people.with_extra("sha256", sha256[images.rows_of(people.image_id)])
    parts = {name: people.take(role == name) for name in (PRELABEL, GOLD)}
    return Sent(
        images=images,
        sha256=sha256,
        prelabels=parts[PRELABEL],
        gold=parts[GOLD],
        selection_sha256=str(info.get("selection_sha256", "")),
    )
