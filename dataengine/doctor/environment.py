"""What surrounds the work: the Python that runs it with its packages, free disk, ports, a browser."""

from __future__ import annotations

import os
import platform
import shutil
import socket
import sys
from collections.abc import Iterable
from dataclasses import dataclass
from importlib.metadata import distributions
from pathlib import Path

from dataengine.hardware.control_groups import read_text

BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
"""Names of a browser that can be run without a window, in the order in which they are tried."""
WRITTEN_FOLDERS = (".", ".venv", ".venv-blender", ".dvc", "data", "models", "reports")


@dataclass(frozen=True)
class Packages:
    """The Python that runs this, and what is installed for it."""

    python: str
    """Its version."""
    prefix: str
    """Its environment's folder."""
    unlike: tuple[str, ...]
    """Packages whose version is not the one in constraints.txt, such as "numpy 2.4.6 (1.26.4)"."""


@dataclass(frozen=True)
class Disk:
    """The fullest of the disks that the project's folders lie on."""

    folder: str
    free_bytes: int | None
    """For this user; None if the system does not say."""
    writable: bool


def read_packages(constraints: Path) -> Packages:
    """Compare what is installed with the pins in `constraints`; a file that cannot be read pins nothing."""
    pins = parse_pins(read_text(constraints))
    unlike = set()
    for package in distributions():
        try:
            name, version = str(package.metadata["Name"]), str(package.version)
        except (AttributeError, KeyError, TypeError):  # what an interrupted pip leaves behind has no metadata
            continue
        pin = pins.get(_plain(name))
        if pin and version.partition("+")[0] != pin:  # 2.13.0+cpu is a build of 2.13.0
            unlike.add(f"{name} {version} ({pin})")
    return Packages(platform.python_version(), sys.prefix, tuple(sorted(unlike)))


def parse_pins(text: str) -> dict[str, str]:
    """Package -> version of the lines ``name==version``."""
    lines = (line.partition("#")[0].strip().partition("==") for line in text.splitlines())
    return {_plain(name): version.strip() for name, equals, version in lines if equals}


def read_disk(root: Path, folders: Iterable[str] = WRITTEN_FOLDERS) -> Disk:
    """The disk with the least room of those under `root`'s folders, which may be links to others."""
    there = [path for name in folders if (path := root / name).is_dir()]
    free = {str(path): _free(path) for path in there}
    known_room = {path: room for path, room in free.items() if room is not None}
    writable = bool(there) and all(os.access(path, os.W_OK) for path in there)
    fullest = min(known_room, key=lambda path: known_room[path], default=str(root))
    return Disk(fullest, known_room.get(fullest), writable)


def port_fault(address: str, port: int) -> str:
    """Why nothing can listen on a TCP port here; "" where it is free."""
    try:
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind((address, port))
    except (OSError, OverflowError) as error:
        return getattr(error, "strerror", None) or str(error)
    return ""


def find_browser() -> str:
    """The path of a browser for the tests that look at pages; "" where there is none."""
    return next((path for name in BROWSERS if (path := shutil.which(name))), "")


def _free(path: Path) -> int | None:
    try:
        return shutil.disk_usage(path).free
    except OSError:
        return None


def _plain(name: str) -> str:
    return name.strip().lower().replace("_", "-").replace(".", "-")
