"""What processes that died have left: drafts, locks, temporary copies of experiments.

None of it holds anything that a run can use: a draft (`dataengine.files`) becomes a result only by being renamed.
State that a run resumes from has other names and is not looked at. While another process works in the project, nothing
here can be known to be left behind.
"""

from __future__ import annotations

import json
import os
import re
import time
from collections.abc import Iterator
from functools import partial
from pathlib import Path

from .finding import StateFinding, finding
from .kept import Kept
from .restoring import remove

GROUP = "leftovers"
DRAFT_FILE = re.compile(r"\..+\.\d+\.partial(\.[^.]+)?")
DRAFT_FOLDER = re.compile(r"\..+\.partial")
PASSED_OVER = frozenset({".partial", "cache"})
"""Folders below those that are searched: work that resumes, and caches that look after themselves."""
SEARCHED = ("data", "models", "reports")
LOCK_AGE_S = 60.0
"""Git holds its locks for moments."""


def check_workers(kept: Kept) -> Iterator[StateFinding]:
    """Whether something works in the project now."""
    for worker in kept.workers:
        found = f"works in the project now: {worker}"
        yield finding(GROUP, "process", "note", found, fix="wait for its end, and look again")


def check_drafts(kept: Kept) -> Iterator[StateFinding]:
    """Results that were not finished, in the root and in the folders that stages write to."""
    for path in drafts(kept.root):
        found = f"{kept.relative(path)}: a result that was not finished"
        yield finding(GROUP, "draft", "note", found, fix="remove it", repair=_unless_busy(kept, path))


def drafts(root: Path) -> Iterator[Path]:
    """Drafts directly in `root` and in its folders `SEARCHED`; links are not followed."""
    yield from sorted(path for path in root.iterdir() if path.is_file() and DRAFT_FILE.fullmatch(path.name))
    for name in SEARCHED:
        for folder, below, files in os.walk(root / name):
            here = Path(folder)
            yield from (here / each for each in sorted(files) if DRAFT_FILE.fullmatch(each))
            yield from (here / each for each in sorted(below) if DRAFT_FOLDER.fullmatch(each))
            below[:] = [each for each in below if each not in PASSED_OVER and not DRAFT_FOLDER.fullmatch(each)]


def check_git_locks(kept: Kept) -> Iterator[StateFinding]:
    """Locks that a killed git leaves, and which stop every later one."""
    done = kept.git("rev-parse", "--path-format=absolute", "--git-dir")
    if done.returncode:
        return
    for path in sorted(Path(done.stdout.strip()).glob("*.lock")):
        if time.time() - path.stat().st_mtime > LOCK_AGE_S:
            found = f"{path.name}: git refuses to work while it is there"
            yield finding(GROUP, "git's lock", "fault", found, fix=f"rm {path}", repair=_unless_busy(kept, path))


def check_dvc_locks(kept: Kept) -> Iterator[StateFinding]:
    """DVC's list of readers and writers, which it writes in place: killed or out of space, it leaves half of it.

    Entries of processes that are gone are no fault: DVC drops them.
    """
    path = kept.root / ".dvc" / "tmp" / "rwlock"
    if not path.is_file():
        return
    try:
        whole = isinstance(json.loads(path.read_bytes()), dict)
    except ValueError:
        whole = False
    if not whole:
        found = f"{kept.relative(path)} is cut short: every command of DVC stops at it"
        fix = f"rm {kept.relative(path)}"
        yield finding(GROUP, "DVC's lock", "fault", found, fix=fix, repair=_unless_busy(kept, path))


def check_temporary_copies(kept: Kept) -> Iterator[StateFinding]:
    """Copies of the project in which ``dvc exp run --temp`` was killed."""
    for path in sorted((kept.root / ".dvc" / "tmp" / "exps").glob("tmp*")):
        if path.is_dir():
            found = f"{kept.relative(path)}: the copy of an experiment that was stopped"
            yield finding(GROUP, "copy", "note", found, fix="remove it", repair=_unless_busy(kept, path))


def _unless_busy(kept: Kept, path: Path) -> partial[None] | None:
    return None if kept.workers else partial(remove, path)
