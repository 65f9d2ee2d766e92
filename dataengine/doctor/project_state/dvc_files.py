"""dvc.lock, and whether the files it names are there as it says.

A result that differs or is missing is a note: `dvc repro` makes it again. What is missing and in DVC's cache can be put
back at once.
"""

from __future__ import annotations

import json
import os
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import yaml

from dataengine.errors import InputError

from .finding import Repair, StateFinding, finding
from .kept import Kept
from .restoring import from_git, set_aside

GROUP, RESULTS = "DVC", "results"
LOCK = "dvc.lock"
_NAMED = 3  # paths in a line; the rest are counted


def check_lock(kept: Kept) -> Iterator[StateFinding]:
    """Whether dvc.lock is whole: DVC writes it in place, so a kill or a full disk may cut it short."""
    path = kept.root / LOCK
    fault = lock_fault(path)
    if not fault:
        return
    if "<<<<<<<" in path.read_text(encoding="utf-8", errors="replace"):
        fix = f"keep one side whole: git checkout --ours {LOCK} (or --theirs), dvc checkout, then dvc repro"
        yield finding(GROUP, LOCK, "fault", f"{LOCK} has both sides of a merge", fix=fix)
        return
    in_git = kept.git("cat-file", "-e", f"HEAD:./{LOCK}").returncode == 0
    fix = f"git checkout {LOCK}" if in_git else f"rm {LOCK}"
    repair: Repair = partial(from_git, kept, path) if in_git else partial(_lay_aside, kept, path)
    found = f"{LOCK} is not what DVC wrote: {fault}"
    again = "; what stages have made since comes from DVC's run cache with dvc repro"
    yield finding(GROUP, LOCK, "fault", found, fix=fix + again, repair=None if kept.workers else repair)


def lock_fault(path: Path) -> str:
    """What is wrong with a dvc.lock; "" where nothing is, or where there is none."""
    if not path.is_file():
        return ""
    try:
        document = yaml.safe_load(path.read_bytes())
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        return " ".join(str(error).split())[:120]
    if not isinstance(document, dict) or "schema" not in document:
        return "it names no schema"
    stages = document.get("stages", {})
    if not isinstance(stages, dict):
        return "it holds no stages"
    cut = next((name for name, stage in stages.items() if not _is_whole(stage)), None)
    return "" if cut is None else f"stage {cut} ends in the middle"


def _is_whole(stage: Any) -> bool:
    """Whether a stage of dvc.lock has its command, and path and hash of each dependency and output."""
    if not isinstance(stage, dict) or "cmd" not in stage:
        return False
    lists = [stage.get(key) or [] for key in ("deps", "outs")]
    if not all(isinstance(entries, list) for entries in lists):
        return False
    entries = [entry for entries in lists for entry in entries]
    return all(isinstance(entry, dict) and {"path", "md5"} <= entry.keys() for entry in entries)


def check_status(kept: Kept) -> Iterator[StateFinding]:
    """What ``dvc status`` says, in a few lines."""
    if lock_fault(kept.root / LOCK):
        return
    done = kept.dvc("status", "--json")
    try:
        status = json.loads(done.stdout)
    except ValueError:
        got = next((line for line in done.stderr.splitlines() if "ERROR" in line), "it said nothing")
        yield finding(RESULTS, "status", "fault", f"dvc status fails: {got[:200]}", fix="dvc status")
        return
    by_change = changed_outs(status)
    if gone := by_change.pop("deleted", []):
        found = f"not there: {_listed(gone)}"
        fix = "dvc checkout, else dvc pull; dvc repro makes what neither has"
        repair = None if kept.workers else partial(check_out, kept, gone)
        yield finding(RESULTS, "files", "note", found, fix=fix, repair=repair)
    for change, paths in sorted(by_change.items()):
        found = f"{change} since dvc.lock: {_listed(paths)}"
        fix = "dvc repro makes them again; dvc commit keeps them as they are"
        yield finding(RESULTS, "files", "note", found, fix=fix)
    if behind := sorted(name for name, changes in status.items() if _is_behind(changes)):
        yield finding(RESULTS, "stages", "note", f"behind their inputs: {_listed(behind)}", fix="dvc repro")


def changed_outs(status: Mapping[str, Sequence[Any]]) -> dict[str, list[str]]:
    """How outputs differ from dvc.lock -> their paths, of what ``dvc status --json`` prints.

    >>> changed_outs({"mix": ["changed command", {"changed outs": {"data/mix": "deleted"}}]})
    {'deleted': ['data/mix']}
    """
    found = defaultdict[str, list[str]](list)
    for changes in status.values():
        for change in changes:
            if isinstance(change, dict):
                for path, how in change.get("changed outs", {}).items():
                    found[str(how)].append(path)
    return dict(found)


def check_out(kept: Kept, paths: Sequence[str]) -> None:
    """Put back outputs that are not there from DVC's cache; an existing file is never touched."""
    missing = [path for path in paths if not os.path.lexists(kept.root / path)]
    kept.dvc("checkout", "--quiet", "--allow-missing", *missing)
    lacking = [path for path in missing if not os.path.lexists(kept.root / path)]
    if lacking:
        raise InputError(f"DVC's cache lacks {_listed(lacking)}", fix="dvc pull, else dvc repro")


def _is_behind(changes: Sequence[Any]) -> bool:
    return any(not isinstance(change, dict) or "changed deps" in change for change in changes)


def _lay_aside(kept: Kept, path: Path) -> None:
    set_aside(kept, path)


def _listed(names: Sequence[str]) -> str:
    shown = ", ".join(sorted(names)[:_NAMED])
    return f"{shown} and {len(names) - _NAMED} more" if len(names) > _NAMED else shown
