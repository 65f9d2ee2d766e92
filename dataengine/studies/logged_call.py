"""Programs that a study runs as processes of their own: what they print goes to its log.

`call_logged` runs a command of this package, `run_logged` any program.
"""

import subprocess
import sys
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path

import psutil

from dataengine.errors import InputError

_PATIENCE_S = 10.0


def call_logged(words: Sequence[str], log: Path, what: str) -> None:
    """Run ``dataengine WORDS``, its output at the end of the file `log`.

    Raises:
        InputError: it failed; the line names `what`, the log, and the last line that it printed.
    """
    command = [sys.executable, "-m", "dataengine", *words]
    code, lines = run_logged(command, log, f"dataengine {' '.join(words)}")
    if code:
        raise InputError(f"{what} failed", got=lines[-1] if lines else "", fix=f"see {log}")


def run_logged(
    command: Sequence[str],
    log: Path,
    title: str,
    *,
    folder: Path | None = None,
    environment: Mapping[str, str] | None = None,
) -> tuple[int, list[str]]:
    """Run a program in `folder` with its output at the end of `log`, below `title`.

    If this process is asked to end meanwhile, so are the program and all that it started.

    Returns its exit code and the lines that it printed: none of an earlier program in the same log.
    """
    log.parent.mkdir(parents=True, exist_ok=True)
    with log.open("a", encoding="utf-8") as opened:
        opened.write(f"\n$ {title}\n")
        opened.flush()
        start = opened.tell()
        program = subprocess.Popen(command, cwd=folder, env=environment, stdout=opened, stderr=opened)
        try:
            code = program.wait()
        except BaseException:
            _end(program)
            raise
    with log.open("rb") as written:
        written.seek(start)
        printed = written.read().decode("utf-8", "replace")
    return code, printed.strip().splitlines()


def _end(program: "subprocess.Popen[bytes]") -> None:
    """Ask the program and all below it to end, and kill what stays: DVC alone would leave the stage that it runs."""
    with suppress(psutil.NoSuchProcess):
        top = psutil.Process(program.pid)
        family = [top, *top.children(recursive=True)]
        for each in family:
            with suppress(psutil.NoSuchProcess):
                each.terminate()
        _, alive = psutil.wait_procs(family, timeout=_PATIENCE_S)
        for each in alive:
            with suppress(psutil.NoSuchProcess):
                each.kill()
    program.wait()
