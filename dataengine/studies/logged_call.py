"""Programs that a study runs as processes of their own: what they print goes to its log.

`call_logged` runs a command of this package, `run_logged` any program.
"""

import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from dataengine.errors import InputError
from dataengine.files import write_faults_named
from dataengine.terminal.programs import running


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

    It ends with this process, see `dataengine.terminal.programs`.

    Returns its exit code and the lines that it printed: none of an earlier program in the same log.
    """
    with write_faults_named(log):
        log.parent.mkdir(parents=True, exist_ok=True)
        with log.open("ab") as begun:
            begun.write(f"\n$ {title}\n".encode())
            start = begun.tell()
    with (
        log.open("ab") as opened,
        running(command, environment=environment, cwd=folder, stdout=opened, stderr=opened) as program,
    ):
        code = program.wait()
    with log.open("rb") as written:
        written.seek(start)
        printed = written.read().decode("utf-8", "replace")
    return code, printed.strip().splitlines()
