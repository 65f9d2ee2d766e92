"""A zip that a tool exported, unpacked where it can do no harm: below one folder, as plain files, within a size."""

import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path, PurePosixPath
from tempfile import TemporaryDirectory
from zipfile import ZipFile, ZipInfo, is_zipfile

from dataengine.errors import InputError
from dataengine.files import DAMAGED_ZIP, is_junk

LARGEST_BYTES = 16 * 1024**3
MOST_MEMBERS = 200_000
_AT_ONCE = 1 << 20


def is_archive(path: Path) -> bool:
    """Whether the file is a zip."""
    return path.is_file() and is_zipfile(path)


@contextmanager
def unpacked(path: Path, largest_bytes: int = LARGEST_BYTES) -> Iterator[Path]:
    """Yield a temporary folder with the files of a zip in their folders. Links and a Mac's extra files are left out.

    Raises:
        InputError: the zip is damaged, a name leads out of it, or it unpacks to more than `largest_bytes`.
    """
    with TemporaryDirectory(prefix="dataengine-") as temporary:
        try:
            with ZipFile(path) as archive:
                _unpack(archive, path, Path(temporary), largest_bytes)
        except DAMAGED_ZIP as error:
            raise InputError(f"{path} cannot be unpacked", expected="a zip", got=str(error)[:200]) from error
        yield Path(temporary)


def _unpack(archive: ZipFile, path: Path, folder: Path, left_bytes: int) -> None:
    members = [member for member in archive.infolist() if not member.is_dir()]
    if len(members) > MOST_MEMBERS:
        raise InputError(f"{path} is too large", expected=f"at most {MOST_MEMBERS} files", got=str(len(members)))
    for member in members:
        within = PurePosixPath(member.filename)
        if within.is_absolute() or ".." in within.parts or "\\" in member.filename or not within.parts:
            raise InputError(f"{path} has a file that leaves it", got=repr(member.filename[:200]))
        if stat.S_ISLNK(member.external_attr >> 16) or is_junk(within):
            continue
        left_bytes -= _write(archive, member, folder / within, left_bytes)
        if left_bytes < 0:
            raise InputError(f"{path} is too large", expected="a zip of less content", fix="unpack it yourself")


def _write(archive: ZipFile, member: ZipInfo, target: Path, left_bytes: int) -> int:
    """Unpack one file, by no more than a step beyond what is left; returns its bytes."""
    target.parent.mkdir(parents=True, exist_ok=True)
    written = 0
    with archive.open(member) as packed, target.open("wb") as plain:
        while written <= left_bytes and (content := packed.read(_AT_ONCE)):
            plain.write(content)
            written += len(content)
    return written
