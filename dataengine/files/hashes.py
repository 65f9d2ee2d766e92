"""Hashes of files, and how they are shown."""

import hashlib
from pathlib import Path


def short_sha256(sha256: str) -> str:
    """The first 12 digits of a hex hash: the name of a model, a set or a file of labels, and what messages show.

    >>> short_sha256(hashlib.sha256(b"people").hexdigest())
    'c9022680f888'
    """
    return sha256[:12]


def sha256_file(path: Path) -> str:
    """Hex SHA-256 of the file's bytes."""
    with path.open("rb") as opened:
        return hashlib.file_digest(opened, "sha256").hexdigest()
