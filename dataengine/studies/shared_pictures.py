"""Sets that a study learns from, chooses by and measures on: no picture may be in two, and its bytes decide."""

from collections.abc import Mapping
from itertools import combinations
from pathlib import Path

from dataengine.errors import InputError
from dataengine.files import sha256_file
from dataengine.people import Images


def refuse_shared_pictures(sets: Mapping[str, Images]) -> None:
    """Raise `InputError` if a picture, by its bytes, is in two of the `sets`, which are called by their names here, or
    is missing."""
    found = {
        name: dict(zip(picture_hashes(images), images.path.tolist(), strict=True)) for name, images in sets.items()
    }
    for (name, one), (other_name, other) in combinations(found.items(), 2):
        shared = sorted(one.keys() & other.keys())
        if shared:
            got = f"{len(shared)}, such as {one[shared[0]]}"
            fix = "a picture that is learnt from, or chosen by, cannot measure"
            raise InputError(f"{name} and {other_name} share pictures", expected="none", got=got, fix=fix)


def picture_hashes(images: Images) -> list[str]:
    """SHA-256 (m) of every picture, by its bytes: a trial of a picture that has changed under its name is another one.

    Raises:
        InputError: a picture is missing.
    """
    for path in images.path.tolist():
        if not Path(path).is_file():
            raise InputError(f"image {path} does not exist", fix="rerun the stage that wrote it, or drop its records")
    return [sha256_file(Path(path)) for path in images.path.tolist()]
