"""Which code decides what is rendered: `sources_sha256` hashes whole sub-packages, so a new or renamed file counts too.

Adding a sub-package that decides pixels or labels: add its name to `STILLS`, or to `CLIPS` or `TARGETED` where only
those pictures depend on it. A file that decides no pixel (workers, reports) belongs into another sub-package.
"""

import hashlib
from pathlib import Path

STILLS = ("body", "clothes", "cycles", "geometry", "pictures", "poses", "scene")  # every rendered image
CLIPS = ("clips",)  # further, what frames of clips depend on
TARGETED = ("targeted",)  # further, what `render --like` depends on
_ROOM = Path(__file__).resolve().parents[1]
_SUFFIXES = (".py", ".yaml")


def sources_sha256(*packages: str, room: Path = _ROOM) -> str:
    """Hex SHA-256 over the relative path and content of every source file of `packages`, at any depth.

    Args:
        packages: names of sub-packages of `room`.
        room: folder that holds the sub-packages.

    Raises:
        ValueError: a package is not there or holds no source file.
    """
    digest = hashlib.sha256()
    for package in packages:
        paths = sorted(path for path in (room / package).rglob("*") if path.suffix in _SUFFIXES)
        if not paths:
            raise ValueError(f"no sub-package {package!r} with source files in {room}")
        for path in paths:
            content = path.read_bytes()
            digest.update(f"{path.relative_to(room).as_posix()}\0{len(content)}\0".encode())
            digest.update(content)
    return digest.hexdigest()
