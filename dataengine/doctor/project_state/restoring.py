"""Repairs: each brings back bytes that are known by their hash, or sets aside what it replaces."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from pathlib import Path

from dataengine.errors import InputError

from .kept import Kept

ASIDE = Path(".dvc/tmp/set-aside")
"""Where what a repair replaces is kept, in a folder for each moment; git and DVC pass over it."""
MOST_WORDS = 500
"""Paths in one command line."""


def remove(path: Path) -> None:
    """Remove a draft or a lock that no process owns."""
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)


def set_aside(kept: Kept, path: Path) -> Path:
    """Move a file or folder out of the way, under the same relative path; returns where it is now."""
    moment = datetime.now(UTC).strftime("%Y%m%dT%H%M%S%f")
    target = kept.root / ASIDE / moment / kept.relative(path)
    target.parent.mkdir(parents=True, exist_ok=True)
    shutil.move(path, target)
    return target


def from_git(kept: Kept, path: Path) -> None:
    """Put back a file as the last commit has it; what lies there now is set aside."""
    relative = kept.relative(path)
    content = kept.git("cat-file", "-e", f"HEAD:./{relative}")
    if content.returncode:
        raise InputError(f"{relative} is not in the last commit", got=content.stderr.strip()[-200:])
    if path.exists() or path.is_symlink():
        set_aside(kept, path)
    done = kept.git("checkout", "-q", "HEAD", "--", relative)
    if done.returncode:
        raise InputError(f"{relative} cannot be brought back from git", got=done.stderr.strip()[-200:])


def from_dvc(kept: Kept, wanted: Mapping[Path, Callable[[Path], bool]]) -> None:
    """Put back files or folders from DVC's cache, or its remote: those that are right after that stay.

    What lies there now, which callers have found to be wrong, is set aside; it comes back where DVC has nothing better.

    Args:
        wanted: each path inside what DVC tracks, with the function that says whether what lies there is right.

    Raises:
        InputError: DVC lacks some of them; the others are put back.
    """
    aside = {path: set_aside(kept, path) for path in wanted if os.path.lexists(path)}
    try:
        for words in (["checkout", "--quiet", "--allow-missing"], ["pull", "--quiet", "--allow-missing"]):
            missing = [kept.relative(path) for path, is_right in wanted.items() if not is_right(path)]
            for first in range(0, len(missing), MOST_WORDS):
                kept.dvc(*words, *missing[first : first + MOST_WORDS])
    finally:
        lacking = [path for path, is_right in wanted.items() if not is_right(path)]
        for path in lacking:
            if os.path.lexists(path):
                remove(path)
            if path in aside:
                path.parent.mkdir(parents=True, exist_ok=True)
                shutil.move(aside[path], path)
    if lacking:
        more = f" and {len(lacking) - 1} more" if len(lacking) > 1 else ""
        raise InputError(f"neither DVC's cache nor its remote has {kept.relative(lacking[0])}{more} as it should be")
