"""The label store: its files as they were imported, and the pictures that they own."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from pathlib import Path

from dataengine.errors import InputError
from dataengine.files import json_files, sha256_file
from dataengine.labels.kept_pictures import PICTURES
from dataengine.labels.label_file import LabelFile, read_label_file

from .finding import StateFinding, finding
from .kept import Kept
from .restoring import from_dvc, from_git

GROUP = "labels"


def check_label_files(kept: Kept) -> Iterator[StateFinding]:
    """Whether each file is as it was imported, and whether one that was committed is gone: the folder only grows."""
    for path in json_files(kept.labels):
        try:
            read_label_file(path)
        except InputError as error:
            yield record_in_git(kept, GROUP, path, str(error))
    yield from gone_files(kept, GROUP, kept.labels)


def check_pictures(kept: Kept) -> Iterator[StateFinding]:
    """Whether the picture of every label is there, byte for byte; pictures of no label are left by stopped imports."""
    owned: dict[Path, str] = {}
    for file in _readable(kept):
        paths = (Path(path) for path in file.images.path.tolist())
        owned |= dict(zip((_below(kept, path) for path in paths), file.sha256.tolist(), strict=True))
    wrong = {path: partial(is_picture, sha256) for path, sha256 in owned.items() if not is_picture(sha256, path)}
    if wrong:
        found = f"{len(wrong)} missing or not as they were labelled, such as {kept.relative(min(wrong))}"
        fix = f"dvc pull --force {kept.relative(kept.labels / PICTURES)}, or bring them back from a backup"
        repair = None if kept.workers else partial(from_dvc, kept, wrong)
        yield finding(GROUP, "pictures", "fault", found, fix=fix, repair=repair)
    folder = kept.labels / PICTURES
    there = {path for path in folder.iterdir() if not path.name.startswith(".")} if folder.is_dir() else set()
    if strays := there - set(owned):
        found = f"{len(strays)} of no label, such as {min(strays).name}: of an import that was stopped"
        yield finding(GROUP, "pictures", "note", found, fix="import again, which uses them; else they may be removed")
    if there and not folder.with_name(f"{PICTURES}.dvc").is_file():
        fix = f"dvc add {kept.relative(folder)}, and commit {kept.relative(folder)}.dvc"
        yield finding(GROUP, "pictures", "note", "the pictures are in no cache and travel nowhere", fix=fix)


def gone_files(kept: Kept, group: str, folder: Path) -> Iterator[StateFinding]:
    """Files of a folder that only grows which the last commit has and the folder has not."""
    done = kept.git("ls-tree", "--name-only", "HEAD", f"./{kept.relative(folder)}/")
    for name in done.stdout.splitlines():
        path = kept.root / name
        if path.suffix == ".json" and not path.exists():
            yield record_in_git(kept, group, path, f"{name} is in the last commit and not here")


def is_picture(sha256: str, path: Path) -> bool:
    """Whether the file at `path` is the picture of that hash."""
    return path.is_file() and sha256_file(path) == sha256


def record_in_git(kept: Kept, group: str, path: Path, found: str) -> StateFinding:
    """A record that never changes once it is written: the committed one is the right one."""
    relative = kept.relative(path)
    committed = kept.git("cat-file", "-e", f"HEAD:./{relative}").returncode == 0
    repair = partial(from_git, kept, path) if committed and not kept.workers else None
    fix = f"git checkout HEAD -- {relative}" if committed else f"it is in no commit: move {relative} elsewhere"
    return finding(group, "record", "fault", found, fix=fix, repair=repair)


def _readable(kept: Kept) -> Iterator[LabelFile]:
    for path in json_files(kept.labels):
        try:
            yield read_label_file(path)
        except InputError:
            continue  # `check_label_files` says so


def _below(kept: Kept, path: Path) -> Path:
    return kept.labels / PICTURES / path.name
