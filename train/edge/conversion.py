"""Runs a converter's script (`converters/`) in a process of its own, with another Python if need be."""

import json
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from dataengine.environments.virtual_environment import last_line, plain_environment
from dataengine.errors import EnvironmentFault
from dataengine.terminal.speech import say

CONVERTERS = Path(__file__).parent / "converters"
SECONDS = 1800  # large networks take minutes


def require(python: Path, modules: Sequence[str], what: str, fix: str) -> None:
    """Raise `EnvironmentFault` unless `python` has all `modules`; `fix` says how to install them."""
    code = "import importlib.util, sys; print(*[m for m in sys.argv[1:] if importlib.util.find_spec(m) is None])"
    try:
        done = _called([str(python), "-c", code, *modules])
    except OSError as error:
        raise EnvironmentFault(f"{what} is not installed", got=f"no {python}", fix=fix) from error
    if done.returncode or done.stdout.strip():
        got = f"no {', '.join(done.stdout.split())}" if done.stdout.strip() else last_line(done.stderr)
        raise EnvironmentFault(f"{what} is not installed", got=got, fix=fix)


@contextmanager
def scratch_folder() -> Iterator[Path]:
    """A folder for what goes into a converter and what comes out."""
    with TemporaryDirectory(prefix="dataengine-convert-") as name:
        yield Path(name)


def convert(python: Path, script: str, folder: Path) -> dict[str, Any]:
    """Run a script on `folder`; returns its facts.

    Raises:
        EnvironmentFault: it failed, or did not end.
    """
    say(f"{script}: converting, in a process of its own")
    try:
        done = _called([str(python), str(CONVERTERS / script), str(folder)])
    except subprocess.TimeoutExpired as error:
        raise EnvironmentFault(f"{script} did not end within {SECONDS} s") from error
    if done.returncode:
        raise EnvironmentFault(f"{script} failed", got=last_line(done.stderr))
    facts: dict[str, Any] = json.loads((folder / "facts.json").read_text(encoding="utf-8"))
    return facts


def _called(command: list[str]) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(command, capture_output=True, text=True, timeout=SECONDS, env=plain_environment())
