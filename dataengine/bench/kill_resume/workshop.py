"""Where rounds are tried: a folder with a warm Python, and copies of one project to run commands in."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from dataengine.bench.kill_resume.warm_python import write_programs
from dataengine.errors import EnvironmentFault

PATIENCE_S = 1800.0
"""After which a command counts as hung; a busy machine takes minutes for what takes seconds."""
_ONE_THREAD = {f"{name}_NUM_THREADS": "1" for name in ("OMP", "OPENBLAS", "MKL", "NUMBA")}
_SOMEBODY = {f"GIT_{role}_{name}": "a@b.org" for role in ("AUTHOR", "COMMITTER") for name in ("NAME", "EMAIL")}


@dataclass(frozen=True)
class Workshop:
    """A folder to work in; each try has the project at the same path."""

    folder: Path
    environment: dict[str, str]

    @property
    def root(self) -> Path:
        """The project of the present try, in a path with a space."""
        return self.folder / "tiny project"

    @property
    def start(self) -> Path:
        """The project as every try begins with it."""
        return self.folder / "start"

    def keep_as_start(self) -> None:
        """From here on every try begins with the project as it is."""
        shutil.rmtree(self.start, ignore_errors=True)
        shutil.copytree(self.root, self.start, symlinks=True)

    def begin_again(self) -> None:
        """The project as it was at the start."""
        for path in list(self.root.iterdir()) if self.root.is_dir() else []:  # the root itself may be a mounted disk
            shutil.rmtree(path) if path.is_dir() and not path.is_symlink() else path.unlink()
        shutil.copytree(self.start, self.root, symlinks=True, dirs_exist_ok=True)

    def run(self, words: Sequence[str]) -> subprocess.CompletedProcess[str]:
        """Run a command in the project, to its end."""
        done = subprocess.Popen(
            words,
            cwd=self.root,
            env=self.environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            process_group=0,
        )
        try:
            out, err = done.communicate(timeout=PATIENCE_S)
        except BaseException:
            kill_group(done)
            raise
        return subprocess.CompletedProcess(words, done.returncode, out, err)

    def run_killed(self, words: Sequence[str], after_s: float) -> bool:
        """Run a command, and kill it with all that it has started after `after_s`; False where it had ended by then."""
        process = self.started(words)
        try:
            process.wait(after_s)
        except subprocess.TimeoutExpired:
            kill_group(process)
            return True
        return False

    def started(self, words: Sequence[str]) -> subprocess.Popen[bytes]:
        """Start a command in a process group of its own."""
        nowhere = subprocess.DEVNULL
        return subprocess.Popen(
            words, cwd=self.root, env=self.environment, stdout=nowhere, stderr=nowhere, process_group=0
        )


def kill_group(process: subprocess.Popen[Any]) -> None:
    """SIGKILL to every process of the group, also to one that was being forked into it."""
    for _ in range(5):
        try:
            os.killpg(process.pid, signal.SIGKILL)
        except ProcessLookupError:
            break
        time.sleep(0.01)
    process.wait()


@contextmanager
def open_workshop(write: Callable[[Workshop], None]) -> Iterator[Workshop]:
    """A folder with a warm Python and the project that `write` makes, which runs all that tries will run.

    The Python that `write` uses begins cold; the one for the tries has imported what that one had to.

    Raises:
        EnvironmentFault: the warm Python did not start.
    """
    with tempfile.TemporaryDirectory(prefix="rounds-", ignore_cleanup_errors=True) as name:
        folder = Path(name)
        address, programs = folder / "socket", folder / "bin"
        write_programs(programs, address)
        environment = {
            **os.environ,
            **_ONE_THREAD,
            **_SOMEBODY,
            "PATH": f"{programs}{os.pathsep}{os.environ['PATH']}",
            "GIT_CONFIG_GLOBAL": os.devnull,
            "DVC_NO_ANALYTICS": "true",
            "DVC_SITE_CACHE_DIR": str(folder / "site"),
        }
        workshop = Workshop(folder, environment)
        with _serving(address, programs, environment):
            write(workshop)
        workshop.keep_as_start()
        with _serving(address, programs, environment):
            yield workshop


@contextmanager
def _serving(address: Path, programs: Path, environment: Mapping[str, str]) -> Iterator[None]:
    """A warm Python that listens at `address`."""
    module, needed = "dataengine.bench.kill_resume.warm_python", programs.parent / "needed"
    words = [sys.executable, "-m", module, str(address), str(programs), str(needed)]
    with subprocess.Popen(words, env=environment) as server:
        try:
            _wait_for(address, server)
            yield
        finally:
            server.kill()
            address.unlink(missing_ok=True)


def _wait_for(address: Path, server: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + PATIENCE_S
    while not address.exists():
        if server.poll() is not None or time.monotonic() > deadline:
            raise EnvironmentFault("the warm Python did not start", got=f"exit code {server.poll()}")
        time.sleep(0.05)
