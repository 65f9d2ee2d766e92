"""The record of what went out to be labelled: `<name>.sent.json` next to the file for the annotation tool.

A COCO person_keypoints file of the same pictures, in the same order. Its people are, by column `role`, the pre-labels
(`PRELABEL`: where the model put each joint) and the truth of the gold frames (`GOLD`), which the tool must not see.
It holds all that an import needs, so a selection may be made again while people are still labelling the last one.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from dataengine.coco_json import read_project_people, write_people
from dataengine.errors import InputError
from dataengine.files import read_json
from dataengine.people import Images, People

from ..manifest.files import hashes_of_images

SENT_FORMAT, SENT_SUFFIX = "dataengine.sent/1", ".sent.json"
ROLE, PRELABEL, GOLD = "role", "prelabel", "gold"


@dataclass(frozen=True, eq=False, kw_only=True)
class Sent:
    """What went out: every picture has a pre-labelled person or a gold one."""

    images: Images
    sha256: NDArray[np.str_]  # (m,) of the pictures
    prelabels: People  # with column `sha256`
    gold: People  # the truth of the gold frames, with column `sha256`

    @property
    def gold_sha256(self) -> frozenset[str]:
        """The pictures with known truth."""
        return frozenset(self.gold.extras["sha256"].tolist())


def sent_path(exported: Path) -> Path:
    """Where the record of the exported file lies: x.sent.json next to x.json."""
    return exported.with_name(f"{exported.stem}{SENT_SUFFIX}")


def write_sent(path: Path, prelabels: People, gold: People, images: Images, selection: str) -> None:
    """Write the record of `prelabels` and `gold` (both with column `sha256`); `selection` is the selection's digest."""
    roles = [people.with_extra(ROLE, [role] * len(people)) for people, role in ((prelabels, PRELABEL), (gold, GOLD))]
    write_people(path, People.concat(roles), images, info={"format": SENT_FORMAT, "selection_sha256": selection})


def read_sent(path: Path) -> Sent:
    """Read a record.

    Raises:
        InputError: the file is missing, or is not a record of `label-export`.
    """
    info = read_json(path)
    found = info.get("info") if isinstance(info, dict) else None
    if not isinstance(found, dict) or found.get("format") != SENT_FORMAT:
        raise InputError(f"{path} is not a record of label-export", expected=f"format {SENT_FORMAT}")
    people, images = read_project_people(path)
    if not {ROLE, "sha256"} <= set(people.extras) or len(np.unique(images.rows_of(people.image_id))) < len(images):
        raise InputError(f"{path} is damaged", expected="a person with role and sha256 in each picture")
    role = people.extras[ROLE]
    return Sent(
        images=images,
        sha256=np.array(hashes_of_images(people, images), dtype="<U64"),
        prelabels=people.take(role == PRELABEL),
        gold=people.take(role == GOLD),
    )
