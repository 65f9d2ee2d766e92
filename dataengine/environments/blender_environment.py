"""Blender's environment, `.venv-blender`: Python 3.11, Blender's module and the few packages of a render worker.

Separate from `.venv` because that module needs numpy below 2 and runs on Python 3.11 only.
"""

import ctypes
import shutil
import sys
from pathlib import Path

from dataengine.environments.virtual_environment import (
    last_line,
    make_environment,
    output,
    pinned_count,
    pip_install,
    say,
    set_stamp,
    stamp_path,
)
from dataengine.errors import EnvironmentFault

ENVIRONMENT = Path(".venv-blender")
REQUIREMENTS = Path("blender/workers/requirements.txt")
PYTHON = "python3.11"
_VERSION = (3, 11)

LIBRARIES = {
    "libX11.so.6": "libx11-6",
    "libXrender.so.1": "libxrender1",
    "libXfixes.so.3": "libxfixes3",
    "libXi.so.6": "libxi6",
    "libxkbcommon.so.0": "libxkbcommon0",
    "libSM.so.6": "libsm6",
    "libICE.so.6": "libice6",
    "libGL.so.1": "libgl1",
}
"""Shared library -> Debian's package: what `ldd bpy/__init__.so` of bpy 4.5.15 needs beyond glibc and libstdc++."""


def ensure_blender(environment: Path = ENVIRONMENT, requirements: Path = REQUIREMENTS) -> None:
    """Bring the environment up to date. Without Python 3.11, one line says what will not work.

    Raises:
        EnvironmentFault: a shared library is missing, or pip failed.
    """
    python = find_python()
    if python is None:
        say(f"no Python 3.11, which Blender needs: only rendering will not work; install {PYTHON} and run make setup")
        return
    stamp = stamp_path(environment, output([python, "--version"]), [requirements])
    if stamp.exists():
        return
    check_system_libraries(LIBRARIES)
    make_environment(environment, python)
    total = pinned_count(requirements)
    say(f"installing Blender and {total - 1} packages for it (about 1.4 GB on disk, a minute or two)")
    pip_install(environment, ["-r", str(requirements)], total, environment / "setup.log")
    set_stamp(stamp)


def find_python() -> str | None:
    """A Python 3.11: the one that runs this, or `python3.11` if that really runs 3.11; None if neither does."""
    if sys.version_info[:2] == _VERSION:
        return sys.executable
    found = shutil.which(PYTHON)
    answers = found and last_line(output([found, "--version"])).startswith(
        "Python 3.11."
    )  # a shim of pyenv may only print an error
    return found if answers else None


def check_system_libraries(libraries: dict[str, str]) -> None:
    """Loads each shared library; raises EnvironmentFault with the Debian packages of all that are missing."""
    missing = [name for name in libraries if not _loads(name)]
    if missing:
        raise EnvironmentFault(
            "Blender needs shared libraries that this machine lacks",
            got="no " + ", ".join(missing),
            fix="on Debian: apt-get install " + " ".join(libraries[name] for name in missing),
        )


def _loads(library: str) -> bool:
    try:
        ctypes.CDLL(library)
    except OSError:
        return False
    return True
