"""Running one step of a round: a program whose output goes to the log, and of which stages' names are shown."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import Any

from dataengine.errors import InputError
from dataengine.files import write_faults_named
from dataengine.terminal.programs import running
from dataengine.terminal.speech import say

from .lock import MARK

_SHOWN = ("Running stage", "Stage '")
_FAULTS = ("dataengine: error:", "ERROR:", "error:")


def run_program(words: Sequence[str], *, root: Path, log: Path, token: str) -> None:
    """Run `dataengine` or `dvc`, by this environment's Python, in folder `root`.

    It and all that it starts carry the round's mark, see `lock.py`. If this process is asked to end, so is the program.

    Raises:
        InputError: it fails; the line is its own.
    """
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ.get('PATH', '')}"
    environment = {**os.environ, "PATH": path, MARK: token, "PYTHONUNBUFFERED": "1"}
    told: dict[str, Any] = {"stdout": subprocess.PIPE, "stderr": subprocess.STDOUT, "text": True, "errors": "replace"}
    fault = ""
    with write_faults_named(log), _asked_to_end_as_exit():
        log.parent.mkdir(parents=True, exist_ok=True)
        with log.open("a", encoding="utf-8") as opened:
            opened.write(f"\n$ {' '.join(words)}\n")
            with running([sys.executable, "-m", *words], environment=environment, cwd=root, **told) as program:
                assert program.stdout is not None
                for line in program.stdout:
                    opened.write(line)
                    opened.flush()
                    if line.startswith(_SHOWN):
                        say(f"  {line.strip()}")
                    fault = line.strip() if line.startswith(_FAULTS) else fault
                code = program.wait()
    if code:
        raise InputError(f"`{' '.join(words[:2])}` failed", got=fault, fix=f"see {log}; the same command goes on")


@contextmanager
def _asked_to_end_as_exit() -> Iterator[None]:
    """SIGTERM ends the block as an exception does, so that the program is ended, too."""

    def leave(number: int, frame: FrameType | None) -> None:
        raise SystemExit(128 + number)

    former = signal.signal(signal.SIGTERM, leave)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, former)
