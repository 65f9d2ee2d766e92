"""Commands of this package as processes of their own, for a study: what they print goes to its log."""

import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from dataengine.errors import InputError


def call_logged(words: Sequence[str], log: Path, what: str) -> None:
    """Run ``dataengine WORDS``, its output at the end of the file `log`.

    Raises:
        InputError: it failed; the line names `what`, the log, and the last line in it.
    """
    command = [sys.executable, "-m", "dataengine", *words]
    log.parent.mkdir(parents=True, exist_ok=True)
    with log.open("a", encoding="utf-8") as opened:
        opened.write(f"\n$ {' '.join(command[2:])}\n")
        opened.flush()
        done = subprocess.run(command, stdout=opened, stderr=opened)
    if done.returncode:
        lines = log.read_text(encoding="utf-8").strip().splitlines()
        raise InputError(f"{what} failed", got=lines[-1] if lines else "", fix=f"see {log}")
