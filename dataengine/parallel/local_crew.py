"""Worker processes of this machine.

They are spawned, not forked: forking a process that has started torch or Blender threads deadlocks. Each has a pipe of
its own, so that it is known which item a process was at when it died.
"""

import multiprocessing
from multiprocessing.connection import Connection, wait
from multiprocessing.process import BaseProcess
from types import TracebackType
from typing import Self

from dataengine.parallel.crews import Died, Handed
from dataengine.parallel.worker import serve

_END_SECONDS = 10


class LocalCrew:
    """`count` processes, each started with its first item and replaced when it dies."""

    def __init__(self, work: bytes, *, count: int, threads: int) -> None:
        self._work, self._count, self._threads = work, count, threads
        self._context = multiprocessing.get_context("spawn")
        self._idle: list[tuple[Connection, BaseProcess]] = []
        self._busy: dict[Connection, tuple[int, BaseProcess]] = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Kill who is at work; who is idle reads the end of its pipe and goes."""
        for pipe, (_, process) in self._busy.items():
            process.kill()
            pipe.close()
        for pipe, _ in self._idle:
            pipe.close()
        for process in [process for _, process in [*self._busy.values(), *((0, p) for _, p in self._idle)]]:
            process.join(_END_SECONDS)
            if process.is_alive():
                process.kill()
                process.join()
            process.close()

    def room(self) -> int:
        """The number of processes."""
        return self._count

    def give(self, index: int, item: bytes) -> None:
        """Have an idle process, or a new one, do the item."""
        while self._idle:
            pipe, process = self._idle.pop()
            try:
                pipe.send_bytes(item)
            except OSError:  # it died while it was idle
                _bury(pipe, process)
                continue
            self._busy[pipe] = (index, process)
            return
        pipe, theirs = self._context.Pipe()
        process = self._context.Process(target=serve, args=(theirs, self._work, self._threads), daemon=True)
        process.start()
        theirs.close()  # so that the end of the pipe is read when the process dies
        self._busy[pipe] = (index, process)
        pipe.send_bytes(item)

    def collect(self) -> list[Handed]:
        """Wait for an answer, or the end of a process."""
        found = []
        for pipe in wait(list(self._busy)):
            assert isinstance(pipe, Connection)
            index, process = self._busy.pop(pipe)
            try:
                found.append(Handed(index, pipe.recv_bytes()))
                self._idle.append((pipe, process))
            except (EOFError, OSError):
                process.join(_END_SECONDS)
                found.append(Handed(index, Died(f"its process ended with exit code {process.exitcode}")))
                _bury(pipe, process)
        return found


def _bury(pipe: Connection, process: BaseProcess) -> None:
    pipe.close()
    process.kill()
    process.join()
    process.close()
