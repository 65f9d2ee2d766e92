"""What two machines must share to give the same bits: versions, the code itself, instruction sets."""

import hashlib
import platform
from dataclasses import dataclass
from functools import lru_cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import dataengine
from dataengine.errors import EnvironmentFault
from dataengine.files import short_sha256
from dataengine.hardware.machine import read_processor

PACKAGES = ("dataengine", "numpy", "torch", "opencv-python-headless", "onnxruntime")


@dataclass(frozen=True)
class Likeness:
    """What decides a result on a machine, apart from the work."""

    python: str
    packages: tuple[tuple[str, str], ...]
    """Name and version of `PACKAGES`, "" for what is not installed."""
    code: str
    """SHA-256 of dataengine's own files."""
    instructions: tuple[str, ...]
    """The processor's. Libraries choose routines by these, and sums in another order end in other last bits."""


@lru_cache
def own_likeness() -> Likeness:
    """The likeness of the machine and the process that asks."""
    packages = tuple((name, _version(name)) for name in PACKAGES)
    return Likeness(platform.python_version(), packages, _code_sha256(), read_processor().instructions)


def require_alike(here: Likeness, theirs: Likeness) -> tuple[str, ...]:
    """What `here`, the machine of a worker, has to say about its difference from `theirs`, the caller's.

    Raises:
        EnvironmentFault: versions or code differ.
    """
    node = platform.node()
    for what, expected, got in _differences(theirs, here):
        fix = "give every node the same code and environment, best by a shared folder"
        raise EnvironmentFault(f"node {node} has another {what}", expected=expected, got=got, fix=fix)
    if here.instructions == theirs.instructions:
        return ()
    return (f"node {node} has another kind of processor: results of networks may differ in their last bits",)


def _differences(theirs: Likeness, here: Likeness) -> list[tuple[str, str, str]]:
    pairs = [("Python", theirs.python, here.python)]
    mine = dict(here.packages)
    pairs += [(name, expected, mine.get(name, "")) for name, expected in theirs.packages]
    pairs += [("code of dataengine", short_sha256(theirs.code), short_sha256(here.code))]
    return [(what, expected, got or "none") for what, expected, got in pairs if expected != got]


def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return ""


def _code_sha256() -> str:
    """Over the path and content of every Python file of the package, through the links to the rooms."""
    root, digest = Path(str(dataengine.__file__)).parent, hashlib.sha256()
    for folder in sorted(path for path in (root, *root.iterdir()) if path.is_dir()):
        files = folder.glob("*.py") if folder == root else folder.rglob("*.py")
        for path in sorted(files):
            content = path.read_bytes()
            digest.update(f"{path.relative_to(root).as_posix()}\0{len(content)}\0".encode())
            digest.update(content)
    return digest.hexdigest()
