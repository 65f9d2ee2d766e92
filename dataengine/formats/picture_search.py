"""Pictures under names that a tool has changed: found by the end of their paths, below one or more folders.

A tool may put a folder before a name (`images/default/0/a.jpg`), or drop what stood there (`a.jpg`). A picture is found
where all of the shorter path stands at the end of the longer one; if several pictures fit equally well, none is taken.
"""

import re
from collections.abc import Sequence
from functools import cached_property
from pathlib import Path, PurePosixPath
from typing import Any

from dataengine.dvc_cache.enclosure import Enclosure
from dataengine.files import is_junk

from .reading.content import need, shown

LONGEST_NAME = 4096  # PATH_MAX
_UPLOADED = re.compile(r"[0-9a-f]{8}-(?P<name>.+)")
"""What Label Studio makes of the name of a file that it was given."""
_NOT_STORED = re.compile(r"[^-\w.]")
_DRIVE = re.compile(r"[A-Za-z]:")


class PictureSearch:
    """Folders in which pictures are looked for, one after the other. All they hold is listed once."""

    def __init__(self, folders: Sequence[Path], *, relative_to: Path | None = None) -> None:
        """`relative_to`: a folder that names may start from as they are; it is not searched otherwise."""
        self._start: tuple[Path, Enclosure, Enclosure] | None = None
        if relative_to is not None:
            self._start = (relative_to, Enclosure(relative_to), Enclosure(Path.cwd()))
        self._folders = [_by_name(folder) for folder in folders]
        self.by_less: set[str] = set()
        """Pictures that were found by less than the name they were looked for by."""

    def path(self, name: Any) -> str:
        """The picture of that name. Raises `Reject` where there is none, or more than one."""
        need(isinstance(name, str) and 0 < len(name) < LONGEST_NAME and "\0" not in name, f"file_name is {shown(name)}")
        if as_it_is := self._as_it_is(name):
            return as_it_is
        parts = _parts(name)
        need(bool(parts), f"file_name is {shown(name)}")
        found = self._found(parts)
        if not found and (upload := _UPLOADED.fullmatch(parts[-1])):
            found = self._found((*parts[:-1], _stored(upload["name"])), uploaded=True)
            self.by_less.update(str(path) for _, path in found)
        need(bool(found), "the image does not exist")
        need(len(found) == 1, f"{shown(name)} may be any of {len(found)} images, {found[0][1]} and {found[-1][1]}")
        shared, path = found[0]
        if shared < len(parts):
            self.by_less.add(str(path))
        return str(path)

    def _as_it_is(self, name: str) -> str:
        if self._start is None:
            return ""
        folder, inside, project = self._start
        path = folder / name
        return str(path) if (path in inside or path in project) and path.is_file() else ""

    @cached_property
    def _uploads(self) -> list[dict[str, list[tuple[tuple[str, ...], Path]]]]:
        """`_folders` with the names that uploads of the files get."""
        uploads: list[dict[str, list[tuple[tuple[str, ...], Path]]]] = [{} for _ in self._folders]
        for by_upload, by_name in zip(uploads, self._folders, strict=True):
            for name, files in by_name.items():
                stored = _stored(name)
                by_upload.setdefault(stored, []).extend(((*parts[:-1], stored), path) for parts, path in files)
        return uploads

    def _found(self, parts: tuple[str, ...], *, uploaded: bool = False) -> list[tuple[int, Path]]:
        """The pictures of the first folder with any whose path below it ends the name, or ends with it; those that
        share the most."""
        for by_name in self._uploads if uploaded else self._folders:
            fits: list[tuple[int, Path]] = []
            for theirs, path in by_name.get(parts[-1], []):
                shared = min(len(theirs), len(parts))
                if theirs[-shared:] == parts[-shared:]:
                    fits.append((shared, path))
            if fits:
                most = max(shared for shared, _ in fits)
                return [(shared, path) for shared, path in fits if shared == most]
        return []


def _by_name(folder: Path) -> dict[str, list[tuple[tuple[str, ...], Path]]]:
    """Name -> the files of that name below the folder, each with its path in it."""
    inside = Enclosure(folder)
    found: dict[str, list[tuple[tuple[str, ...], Path]]] = {}
    for path in sorted(folder.rglob("*")):
        within = path.relative_to(folder)
        if path.is_file() and path in inside and not is_junk(within):
            found.setdefault(path.name, []).append((within.parts, path))
    return found


def _stored(name: str) -> str:
    """What Django, on which Label Studio stands, makes of a file's name (`get_valid_filename`).

    >>> _stored("Hall (2).jpg")
    'Hall_2.jpg'
    """
    return _NOT_STORED.sub("", name.strip().replace(" ", "_"))


def _parts(name: str) -> tuple[str, ...]:
    """The names in a path, without whatever leads out of a folder."""
    plain = PurePosixPath(name.replace("\\", "/").split("?d=")[-1])
    return tuple(part for part in plain.parts if part not in ("/", "..", ".") and not _DRIVE.fullmatch(part))
