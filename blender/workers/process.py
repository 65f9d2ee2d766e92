"""A process of another Python, from its parent's side: start it, exchange messages, end it.

From the start it has a session of its own, so Ctrl-C in a terminal does not reach it; numpy uses one thread; and the
parent's packages are not on its path. If the parent is killed, the kernel ends it (Linux), or it reads the end of its
pipe and exits.
"""

import multiprocessing
import os
import subprocess
from pathlib import Path
from typing import IO, Any

import dataengine

from . import boot
from .messages import Message, receive, send

_PACKAGE = Path(str(dataengine.__file__)).absolute().parent
_ONE_THREAD = dict.fromkeys(("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS"), "1")
_OF_THE_OTHER_PYTHON = ("PYTHONPATH", "PYTHONHOME", "PYTHONSTARTUP", "VIRTUAL_ENV")
_SERVE = "dataengine.blender.workers.serve:main"
_END_SECONDS = 10


class WorkerProcess:
    """Runs `serve` in `python` on the job in a file; `pipe` leads to it.

    `search` lists folders for further modules, such as the makers of tests. `words` is the file that takes its output.
    """

    def __init__(self, python: Path, job: Path, *, search: tuple[Path, ...] = (), words: IO[Any] | None = None) -> None:
        self.pipe, theirs = multiprocessing.Pipe()
        with theirs:  # closed here, so that the end of the pipe is read when the process dies
            self._process = subprocess.Popen(
                boot_command(python, _SERVE, str(theirs.fileno()), str(os.getpid()), str(job), *map(str, search)),
                pass_fds=[theirs.fileno()],
                stdin=subprocess.DEVNULL,
                stdout=words,
                stderr=words,
                env=environment(),
                start_new_session=True,
            )

    def send(self, message: Message) -> None:
        """Send one message; `OSError` if the process is gone."""
        send(self.pipe, message)

    def receive(self) -> Message:
        """Wait for one message; `EOFError` or `OSError` if the process is gone."""
        return receive(self.pipe)

    def is_alive(self) -> bool:
        """Whether the process is running."""
        return self._process.poll() is None

    def exit_code(self) -> int | None:
        """Its exit code, negative for a signal; waits a moment for a process that is about to end."""
        self._wait()
        return self._process.returncode

    def kill(self) -> None:
        """Kill the process; returns when it is gone."""
        if self.is_alive():
            self._process.kill()
        self._wait()

    def dismiss(self) -> None:
        """Close the pipe, upon which an idle process exits; returns when it is gone."""
        self.pipe.close()
        self._wait()
        self.kill()

    def _wait(self) -> None:
        try:
            self._process.wait(_END_SECONDS)
        except subprocess.TimeoutExpired:
            return


def boot_command(python: Path, entry: str, *arguments: str) -> list[str]:
    """Command that has `python` run the function `entry`, ``module:name``, of this very package on `arguments`."""
    return [str(python), "-P", str(Path(boot.__file__).absolute()), str(_PACKAGE), entry, *arguments]


def environment() -> dict[str, str]:
    """Environment variables of a worker: ours, without those meant for our own Python."""
    inherited = {name: value for name, value in os.environ.items() if name not in _OF_THE_OTHER_PYTHON}
    return inherited | _ONE_THREAD
