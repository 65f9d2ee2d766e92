"""The inputs of `select`: labelled and unlabelled people, each with the sha256 of the image they stand in."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np

from dataengine.coco_json import read_people
from dataengine.errors import InputError
from dataengine.files import sha256_file
from dataengine.people import Images, People


def read_labelled(files: Mapping[str, Path]) -> tuple[People, Images]:
    """The labelled splits (name -> COCO JSON) as one table with columns `split` and `sha256`.

    Images are numbered anew, as the files may count alike; columns that other stages added are dropped.

    Raises:
        InputError: nobody is labelled, or a file or image is damaged.
    """
    people_parts, image_parts, next_id = [], [], 0
    for split, path in files.items():
        people, images = read_people(path, root=Path.cwd())
        people = people.replace(extras={"split": np.full(len(people), split)})
        people, images = _with_hashes(people, images)
        ids = np.arange(next_id, next_id + len(images))
        people_parts.append(people.replace(image_id=ids[images.rows_of(people.image_id)]))
        image_parts.append(images.replace(id=ids))
        next_id += len(images)
    if not next_id:
        raise InputError("nobody is labelled", expected=f"a person in {' or '.join(map(str, files.values()))}")
    return People.concat(people_parts), Images.concat(image_parts)


def read_unlabelled(path: Path, labelled_sha256: set[str]) -> tuple[People, Images]:
    """The persons in frames that carry no label yet, with the column `sha256`; other stages' columns are dropped.

    Raises:
        InputError: nobody is left, or the file or an image is damaged.
    """
    people, images = read_people(path, root=Path.cwd())
    people, images = _with_hashes(people.replace(extras={}), images)
    new = ~np.isin(people.extras["sha256"].astype(str), sorted(labelled_sha256))
    if not new.any():
        raise InputError(
            f"{path} has no unlabelled person to choose from",
            got=f"{len(people)} persons, all in images that are labelled",
            mend="add video to the pool, or loosen the detector",
        )
    people = people.take(new)
    return people, images.take(np.unique(images.rows_of(people.image_id)))


def _with_hashes(people: People, images: Images) -> tuple[People, Images]:
    """Adds the column `sha256` of each person's image; images without a person are dropped."""
    rows = images.rows_of(people.image_id)
    images = images.take(np.unique(rows))
    hashes = np.array([_hash(path) for path in images.path.tolist()], dtype="<U64")
    return people.with_extra("sha256", hashes[images.rows_of(people.image_id)]), images


def _hash(path: str) -> str:
    if not Path(path).is_file():
        raise InputError(f"image {path} does not exist", mend="rerun the stage that wrote it")
    return sha256_file(Path(path))
