"""A virtual environment filled by pip: made where none works yet, with progress, each fault in one line.

A stamp in its folder, named by a hash of what was asked for, says that it is complete.
"""

import hashlib
import os
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from dataengine.errors import EnvironmentFault
from dataengine.terminal import speech

SECONDS_BETWEEN_LOG_LINES = 20.0
LOG_COLUMNS = 100
CONFIGURATION = "pyvenv.cfg"
_PIP_NEWS = ("Collecting ", "Installing collected ", "Building ")


def environment_python(environment: Path) -> Path:
    """The interpreter inside a virtual environment."""
    return environment / "bin" / "python"


def stamp_path(environment: Path, python_version: str, files: Sequence[Path]) -> Path:
    """``.setup-<hash>`` in `environment`: present when it was made by this Python from `files` as they are now."""
    digest = hashlib.sha256(python_version.encode())
    for file in files:
        digest.update(file.read_bytes())
    return environment / f".setup-{digest.hexdigest()[:16]}"


def set_stamp(stamp: Path) -> None:
    """Make this stamp the only one in its folder."""
    for old in stamp.parent.glob(".setup-*"):
        old.unlink()
    stamp.touch()


def make_environment(environment: Path, python: str = sys.executable) -> None:
    """Have `python` create the virtual environment where none of its version works yet.

    Raises:
        EnvironmentFault: that Python has no `venv`.
    """
    there = environment_python(environment)
    if there.exists() and f"(python {_minor(python)})" in output([str(there), "-m", "pip", "--version"]):
        return
    say(f"creating {environment}")
    shutil.rmtree(environment, ignore_errors=True)
    made = subprocess.run([python, "-m", "venv", str(environment)], capture_output=True, text=True)
    if made.returncode != 0:
        raise EnvironmentFault(
            f"{python} -m venv failed",
            got=last_line(made.stdout + made.stderr),
            fix="on Debian: apt-get install python3-venv, or python3.11-venv for Python 3.11",
        )


def repair_moved(environment: Path) -> bool:
    """Make an environment that was moved or copied since it was made work again; whether it had to.

    Its programs begin with the path of an interpreter that is gone, or is another environment's. The stamps are
    removed, so that set-up goes on and pip installs the project at its present place, and the path is exchanged, in the
    record of it last: after a kill the next call begins again.
    """
    made_at = made_place(environment)
    if made_at is None or os.path.realpath(made_at) == os.path.realpath(environment):
        return False
    say(f"{environment} was moved from {made_at}: repairing its programs")
    here = environment.absolute()
    for stamp in environment.glob(".setup-*"):
        stamp.unlink()
    for file in [*(environment / "bin").iterdir(), environment / CONFIGURATION]:
        if file.is_file() and not file.is_symlink():
            _exchange(file, os.fsencode(made_at), os.fsencode(here))
    return True


def made_place(environment: Path) -> Path | None:
    """Where the environment was made, by its own record; None where it has none."""
    try:
        text = (environment / CONFIGURATION).read_text(encoding="utf-8")
    except OSError:
        return None
    found = re.search(r"^command = .* -m venv (?:--\S+ )*(/.+)$", text, re.MULTILINE)
    return Path(found[1]) if found else None


def _exchange(file: Path, old: bytes, new: bytes) -> None:
    """Write the file again with `new` for `old`; its permissions stay."""
    content = file.read_bytes()
    if old not in content:
        return
    partial = file.with_name(f".{file.name}.partial")
    partial.write_bytes(content.replace(old, new))
    shutil.copymode(file, partial)
    partial.replace(file)


def pip_install(environment: Path, arguments: Sequence[str], total: int, log: Path) -> None:
    """Have the environment's pip install `arguments`, about `total` packages; pip's own words go to `log`.

    Raises:
        EnvironmentFault: pip failed; names the log and quotes pip's first error.
    """
    command = [str(environment_python(environment)), "-m", "pip", "install", "--progress-bar", "off", *arguments]
    error = ""
    collected = 0
    ticker = Ticker()
    with (
        log.open("w") as sink,
        subprocess.Popen(
            command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, env=plain_environment()
        ) as process,
    ):
        assert process.stdout is not None
        for line in process.stdout:
            sink.write(line)
            if line.startswith("ERROR"):
                error = error or line.strip()
            collected += line.startswith("Collecting ")
            if line.startswith(_PIP_NEWS):
                ticker.show(f"{min(collected, total)}/{total} {line.strip()}")
    ticker.end()
    if process.returncode != 0:
        raise EnvironmentFault("pip could not install the packages", got=error, fix=f"read {log}, then try again")


def pinned_count(file: Path) -> int:
    """Number of packages that a file of constraints or requirements pins."""
    return sum(1 for line in file.read_text().splitlines() if "==" in line and not line.startswith("#"))


def say(message: str) -> None:
    """One line of progress."""
    speech.say(f"set-up: {message}")


class Ticker:
    """Shows that work goes on: one line rewritten in a terminal, a new line every 20 seconds in a log."""

    def __init__(self) -> None:
        self.started = self.last_shown = time.monotonic()

    def show(self, message: str) -> None:
        """What is being done now."""
        now = time.monotonic()
        text = f"  {now - self.started:4.0f} s  {message}"
        if sys.stderr.isatty():
            width = shutil.get_terminal_size().columns - 1
            print("\r" + text[:width].ljust(width), end="", file=sys.stderr, flush=True)
        elif now - self.last_shown > SECONDS_BETWEEN_LOG_LINES:
            self.last_shown = now
            print(text[:LOG_COLUMNS], file=sys.stderr, flush=True)

    def end(self) -> None:
        """Leave the terminal's line."""
        if sys.stderr.isatty():
            print(file=sys.stderr)


def last_line(words: str) -> str:
    """The last line that says something."""
    lines = [line.strip() for line in words.splitlines() if line.strip()]
    return lines[-1] if lines else "no output"


def succeeds(command: list[str]) -> bool:
    """Whether a short command runs and returns 0."""
    try:
        return subprocess.run(command, capture_output=True, timeout=60, env=plain_environment()).returncode == 0
    except (OSError, subprocess.TimeoutExpired):
        return False


def output(command: list[str]) -> str:
    """What a short command prints, or why it does not run."""
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=60, env=plain_environment())
    except (OSError, subprocess.TimeoutExpired) as fault:
        return str(fault)
    return done.stdout + done.stderr


def _minor(python: str) -> str:
    """3.11, of an interpreter that says ``Python 3.11.7``."""
    return last_line(output([python, "--version"])).removeprefix("Python ").rpartition(".")[0]


def plain_environment() -> dict[str, str]:
    """The environment without what would make a child Python load another one's packages."""
    return {name: value for name, value in os.environ.items() if name not in {"PYTHONPATH", "PYTHONHOME"}}
