"""The body model's cache: built once, so that no render worker has to."""

import re
import shutil
from pathlib import Path

from dataengine.errors import InputError
from dataengine.files import fresh_folder, locked_folder
from dataengine.terminal.speech import say

BODY_CACHE_VERSION = "anny-0.6.2-makehuman-lbs-1"
_STAMP = "complete.txt"
_OWN_NAMES = re.compile(r"complete\.txt|body-arrays-\d+\.npz|v\d+")  # names of all that any version kept in a cache


def is_prepared(cache: Path) -> bool:
    """Whether `cache` holds a completely built body model of this version."""
    stamp = cache / _STAMP
    return stamp.is_file() and stamp.read_text(encoding="utf-8").strip() == BODY_CACHE_VERSION


def prepare_body_cache(cache: Path) -> None:
    """Make sure that `cache` holds the built body model: built next to it and swapped in, so it is never half there.

    Of several processes that find it missing one builds it, and the others wait. Building it takes two to three
    minutes, 3.7 GB of memory and, while it lasts, 1.2 GB of disk. Raises `EnvironmentFault` if anny is not installed or
    the disk is full, and `InputError` if `cache` is a folder with other content, which would be lost.
    """
    from .build import ensure_arrays

    if is_prepared(cache):
        ensure_arrays(cache)
        return
    cache = _replaceable(cache)
    say("building the body model's cache, once: two to three minutes, 3.7 GB of memory")
    with locked_folder(cache.parent):
        if not is_prepared(cache):  # nobody built it while this process waited
            with fresh_folder(cache) as building:
                _build_in(building)
    say(f"body model ready in {cache}")


def _build_in(building: Path) -> None:
    """Build the body model in the empty folder `building`, and stamp it when the files that are kept suffice."""
    from .arrays import ARRAYS_FILE
    from .build import ensure_arrays
    from .model import BodyModel

    ensure_arrays(building)
    _drop_intermediates(building)
    (building / ARRAYS_FILE).unlink()
    ensure_arrays(building)  # proves that the remaining files suffice
    BodyModel.load(building)
    (building / _STAMP).write_text(BODY_CACHE_VERSION + "\n", encoding="utf-8")


def _replaceable(cache: Path) -> Path:
    """`cache` as an absolute path, if it does not exist, is empty, or holds a body model of another version."""
    cache = cache.resolve()
    if cache.exists() and not cache.is_dir():
        raise InputError(f"--cache {cache} is a file", expected="a folder")
    held = sorted(path.name for path in cache.iterdir()) if cache.is_dir() else []
    other = [name for name in held if not _OWN_NAMES.fullmatch(name)]
    if other:
        fix = "name an empty or a new folder, such as data/cache/anny"
        raise InputError(f"--cache {cache} is not a body model's cache", got=", ".join(other[:3]), fix=fix)
    return cache


def _drop_intermediates(cache: Path) -> None:
    """Keep the finished model, which is the newest file; the files it was built from are several times its size."""
    files = sorted(cache.rglob("*.safetensors"), key=lambda path: path.stat().st_mtime_ns)
    for intermediate in files[:-1]:
        intermediate.unlink()
    for folder in cache.rglob("*.tmp"):
        shutil.rmtree(folder, ignore_errors=True)
