"""Sets that a study learns from, chooses by and measures on: no picture may be in two of them."""

from collections.abc import Mapping
from itertools import combinations
from pathlib import Path

from dataengine.errors import InputError
from dataengine.files import sha256_file
from dataengine.people import Images


def refuse_shared_pictures(sets: Mapping[str, Images]) -> None:
    """Raise `InputError` if a picture, by its bytes, is in two of the `sets`, which are called by their names here, or
    is missing."""
    found = {name: _by_bytes(images) for name, images in sets.items()}
    for (name, one), (other_name, other) in combinations(found.items(), 2):
        shared = sorted(one.keys() & other.keys())
        if shared:
            got = f"{len(shared)}, such as {one[shared[0]]}"
            fix = "a picture that is learnt from, or chosen by, cannot measure"
            raise InputError(f"{name} and {other_name} share pictures", expected="none", got=got, fix=fix)


def _by_bytes(images: Images) -> dict[str, str]:
    """SHA-256 -> path of every picture."""
    found = {}
    for path in images.path.tolist():
        if not Path(path).is_file():
            raise InputError(f"image {path} does not exist", fix="rerun the stage that wrote it, or drop its records")
        found[sha256_file(Path(path))] = path
    return found
