"""Programs that a command starts: none goes on when the command has ended, however that came.

`running` starts one. A command that is asked to end, or fails, ends the program and all below it. One that is killed
can end nothing, so each program carries the command's process number in its environment, and a ``dataengine`` command
further down, whatever runs it (DVC), watches that process by `end_with_starter`.
"""

import os
import select
import signal
import subprocess
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from typing import Any

from dataengine.terminal.speech import say

STARTER = "DATAENGINE_STARTER"
"""Environment variable with the number of the process that a command ends with."""
_PATIENCE_S = 10.0


@contextmanager
def running(
    command: Sequence[str], *, environment: Mapping[str, str] | None = None, **more: Any
) -> Iterator["subprocess.Popen[Any]"]:
    """A program for a ``with`` block, which waits for it; an exception in the block ends it and all that it started.

    Without `environment` it gets this process's; `more` is for `subprocess.Popen`.
    """
    inherited = os.environ if environment is None else environment
    program = subprocess.Popen(command, env={**inherited, STARTER: str(os.getpid())}, **more)
    try:
        yield program
    except BaseException:
        _end(program)
        raise


def exit_code(command: Sequence[str]) -> int:
    """Run a program that speaks to this terminal; how it ended."""
    with running(command) as program:
        return program.wait()


def end_with_starter() -> None:
    """Ask this process to end, as SIGTERM does, once the one that `STARTER` names has ended. Linux only."""
    number = os.environ.get(STARTER, "")
    if not number.isdigit() or not hasattr(os, "pidfd_open"):
        return
    try:
        starter: int | None = os.pidfd_open(int(number))
    except ProcessLookupError:
        starter = None
    except OSError:  # a kernel or a container that does not let it
        return
    threading.Thread(target=_end_after, args=(starter, number), name="starter", daemon=True).start()


def _end_after(starter: int | None, number: str) -> None:
    if starter is not None:
        ended = select.poll()
        ended.register(starter, select.POLLIN)
        ended.poll()
    say(f"dataengine: process {number}, for which this command works, is gone")
    os.kill(os.getpid(), signal.SIGTERM)


def _end(program: "subprocess.Popen[Any]") -> None:
    """Ask the program and all below it to end, and kill what stays: DVC alone would leave the stage that it runs."""
    import psutil  # a sixth of the start of every command, and few end a program

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
