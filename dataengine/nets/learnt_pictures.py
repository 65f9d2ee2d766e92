"""Which pictures a network has learnt from: SHA-256 of their files, next to its weights.

A fit writes the file into its checkpoint folder, an export carries it, the store keeps it, and the gate counts how many
pictures of the test set are in it. A fit that starts from another network adds that network's pictures to its own. The
file is the sorted digests, 32 bytes each and nothing else. What published weights (`pretrained`) were fitted on, and
what a teacher of a distillation learnt from, is not in it.
"""

from collections.abc import Iterable
from pathlib import Path

from dataengine.errors import InputError
from dataengine.files import atomic_path

LEARNT_NAME = "learnt_pictures.sha256"
DIGEST_BYTES = 32


def write_learnt_pictures(folder: Path, sha256: Iterable[str]) -> Path:
    """Write the hex hashes to `folder`, each once; returns the file."""
    digests = sorted({bytes.fromhex(each) for each in sha256})
    path = folder / LEARNT_NAME
    with atomic_path(path) as partial:
        partial.write_bytes(b"".join(digests))
    return path


def read_learnt_pictures(folder: Path) -> frozenset[str] | None:
    """The hex hashes; None where the folder has no such file, so that it is not known what was learnt from.

    Raises:
        InputError: the file is damaged.
    """
    path = folder / LEARNT_NAME
    if not path.is_file():
        return None
    content = path.read_bytes()
    if len(content) % DIGEST_BYTES:
        raise InputError(f"{path} is damaged", expected=f"digests of {DIGEST_BYTES} bytes", got=f"{len(content)} bytes")
    return frozenset(content[i : i + DIGEST_BYTES].hex() for i in range(0, len(content), DIGEST_BYTES))
