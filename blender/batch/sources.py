"""Which code decides what is rendered: `sources_sha256` hashes whole sub-packages, so new and renamed files count too.

Adding a sub-package that decides pixels or labels: add its name to `STILLS`, or to `CLIPS` or `TARGETED` if only those
images depend on it. A file that decides no pixel (workers, reports) belongs in another sub-package.
"""

import hashlib
from pathlib import Path

STILLS = ("body", "clothes", "cycles", "geometry", "pictures", "poses", "scene")  # every rendered image
CLIPS = ("clips",)  # what the frames of clips depend on in addition
TARGETED = ("targeted",)  # what `render --like` depends on in addition
_ROOM = Path(__file__).resolve().parents[1]
_SUFFIXES = (".py", ".yaml")


def sources_sha256(*packages: str, room: Path = _ROOM) -> str:
    """Hex SHA-256 over the relative path and content of every source file of `packages`, at any depth.

    Args:
        packages: names of sub-packages of `room`.
        room: folder that holds the sub-packages.

    Raises:
        ValueError: a package does not exist or holds no source file.
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
