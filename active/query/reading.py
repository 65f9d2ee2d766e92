"""The inputs of `select`: labelled and unlabelled people, each with the sha256 of the image they stand in."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np

from dataengine.coco_json import read_project_people
from dataengine.errors import InputError
from dataengine.files import sha256_file
from dataengine.labelled_set import joined
from dataengine.people import Images, People


def read_labelled(files: Mapping[str, Path]) -> tuple[People, Images]:
    """The labelled splits (name -> COCO JSON) as one table with columns `split` and `sha256`.

    Images get new ids, since two files may use the same ones; columns that other stages added are dropped.

    Raises:
        InputError: nobody is labelled, or a file or image is damaged.
    """
    parts = []
    for split, path in files.items():
        people, images = read_project_people(path)
        parts.append(_with_hashes(people.replace(extras={"split": np.full(len(people), split)}), images))
    if not any(len(images) for _, images in parts):
        raise InputError("nobody is labelled", expected=f"a person in {' or '.join(map(str, files.values()))}")
    return joined(parts, first_id=0)


def read_unlabelled(path: Path, labelled_sha256: set[str]) -> tuple[People, Images]:
    """The people in frames that have no label yet, with the column `sha256`; other stages' columns are dropped.

    There may be nobody: the pool was empty, or all of it is labelled by now.

    Raises:
        InputError: the file or an image is damaged.
    """
    people, images = read_project_people(path)
    people, images = _with_hashes(people.replace(extras={}), images)
    people = people.take(~np.isin(people.extras["sha256"].astype(str), sorted(labelled_sha256)))
    return people, images.take(np.unique(images.rows_of(people.image_id)))


def _with_hashes(people: People, images: Images) -> tuple[People, Images]:
    """Adds the column `sha256` of each person's image; images without a person are dropped."""
    rows = images.rows_of(people.image_id)
    images = images.take(np.unique(rows))
    hashes = np.array([_hash(path) for path in images.path.tolist()], dtype="<U64")
    return people.with_extra("sha256", hashes[images.rows_of(people.image_id)]), images


def _hash(path: str) -> str:
    if not Path(path).is_file():
        raise InputError(f"image {path} does not exist", fix="rerun the stage that wrote it")
    return sha256_file(Path(path))
